"""The other end of a connection, which may be a proxy; the client that it speaks for is told by headers of its own."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

PEER = "peer"


class Peers:
    """Notes the address at the other end of the connection, before that of a client takes its place in the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            client = scope.get("client")
            scope.setdefault("state", {})[PEER] = None if client is None else client[0]
        await self._app(scope, receive, send)


def peer_of(request: Request) -> str | None:
    """The address at the other end of the connection; None where nobody noted it."""
    peer: str | None = request.scope.get("state", {}).get(PEER)
    return peer
