"""Answers to changes: a key that may not read is told only what its own request has made.

Otherwise a key that was given away for uploads would read titles and transcripts by changes that change nothing.
"""

from typing import Any

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from echoic import access
from echoic.access import READ, Caller
from echoic.api.auth import reader

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WITHHELD: dict[str, Any] = {"description": "The same, to a key without the scope `read`: done, and nothing is told."}
EMPTY = 204


def is_withheld(route: APIRoute) -> bool:
    """Return whether a route tells nothing to a key that may not read."""
    reads = any(dependency.call is reader for dependency in route.dependant.dependencies)
    changes = not CHANGING.isdisjoint(route.methods or ())
    return changes and not reads and route.status_code != EMPTY and not access.is_of_its_own(route.endpoint)


class Withholding:
    """Wraps the application: what such a key may not be told is left out of successful answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in CHANGING:
            await self._app(scope, receive, send)
            return
        is_left_out = False

        async def send_allowed(message: Message) -> None:
            nonlocal is_left_out
            if message["type"] == "http.response.start" and _is_left_out(scope, message["status"]):
                is_left_out = True
                await send({**message, "status": EMPTY, "headers": []})
            elif not is_left_out:
                await send(message)
            elif not message.get("more_body", False):
                await send({**message, "body": b""})

        await self._app(scope, receive, send_allowed)


def _is_left_out(scope: Scope, status: int) -> bool:
    caller: Caller | None = scope.get("state", {}).get("caller")
    if caller is None or READ in caller.scopes or not 200 <= status < 300:  # noqa: PLR2004 - the class of successes
        return False
    return status != EMPTY and not access.is_of_its_own(scope.get("endpoint"))
