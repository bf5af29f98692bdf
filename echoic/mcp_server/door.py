"""The route of the protocol: whoever comes is known first, then the transport answers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.background import BackgroundTasks
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from echoic import errors
from echoic.access import Caller
from echoic.accounts.callers import Use, admit
from echoic.compose import Components
from echoic.db.server_secrets import secret
from echoic.errors import EchoicError, HostNotAllowed, OriginNotAllowed, ScopeMissing, Unauthorized
from echoic.mcp_server.asking import STATE, Asking, base_of
from echoic.mcp_server.own_names import is_listed, own_names
from echoic.mcp_server.transport import PATH, Transport
from echoic.oauth.scopes import program_scopes

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from echoic.mcp_server.wiring import Fill

TokenCheck = Callable[[str], Awaitable[Use]]
"""Return the caller behind a bearer token: a key of the API, or what a program was given. Raises Unauthorized."""
SEALING = "mcp request state"
"""The name of the secret that seals what clients carry from one call to the next."""
BEARER = "bearer "
STATUSES: Mapping[type[EchoicError], HTTPStatus] = {
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""By family, for what is found wrong before a tool is called."""
RETRY_AFTER_SECONDS = 5
ANOTHER_NAME = (
    "Agents reach this server under another name only: set ECHOIC_PUBLIC_URL to the address that they are given."
)


class Door:
    """Answers at the address of the protocol."""

    def __init__(
        self,
        components: Components,
        check: TokenCheck,
        *,
        metadata_url: str | None,
        fill: "Fill | None",
    ) -> None:
        self._components = components
        self._check = check
        self._metadata_url = metadata_url
        self.names = own_names(components.settings)
        self.route = Route(PATH, self, include_in_schema=False)
        self.transport = Transport(self.names, fill, lambda: secret(components.database, SEALING))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["headers"] = list(self._headers(scope))
        scope["route"] = self.route  # for the log and the counts, as the framework does for its own routes
        request = Request(scope, receive)
        if (stranger := self._of_another(request)) is not None:
            await stranger(scope, receive, send)
            return
        background = BackgroundTasks()
        try:
            caller = await self._caller(request, background)
        except EchoicError as error:
            await self._refusal(request, error)(scope, receive, send)
            return
        if request.method != "POST":
            # No session is held here that a stream could belong to, or that could be ended.
            await Response(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})(scope, receive, send)
            return
        components = self._components
        who = Asking(caller=caller, components=components, base=base_of(request, components))
        scope.setdefault("state", {})[STATE] = who
        try:
            manager = await self.transport.manager()
        except EchoicError as error:
            await self._refusal(request, error)(scope, receive, send)
            return
        answer = manager.handle_request if caller.grant_id is None else self._by_program(manager)
        await answer(scope, receive, send)
        await background()

    def _of_another(self, request: Request) -> Response | None:
        """Return the refusal of a request that names another server, or comes from a page of one."""
        if not is_listed(self.names.allowed_hosts, request.headers.get("host", "")):
            return self._told(request, HTTPStatus.MISDIRECTED_REQUEST, HostNotAllowed(ANOTHER_NAME))
        origin = request.headers.get("origin")
        if origin and not is_listed(self.names.allowed_origins, origin):
            return self._told(request, HTTPStatus.FORBIDDEN, OriginNotAllowed())
        return None

    def _by_program(self, manager: "StreamableHTTPSessionManager") -> ASGIApp:
        """Return the answer to a program with a token, which may ask its user for the scope that a tool needs."""
        from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE, RequestBodyLimitMiddleware

        from echoic.mcp_server.scopes import scope_of_call

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            first = await receive()  # the whole body, which is bounded
            caller = scope["state"][STATE].caller
            needed = scope_of_call(first.get("body", b""))
            if needed is None or needed in caller.scopes:
                await manager.handle_request(scope, _after(first, receive), send)
                return
            headers = {"WWW-Authenticate": self._scope_challenge(caller, needed)}
            error = ScopeMissing(f"The program was not given the scope '{needed}'.")
            await self._told(Request(scope), HTTPStatus.FORBIDDEN, error, headers)(scope, receive, send)

        return RequestBodyLimitMiddleware(answer, DEFAULT_MAX_REQUEST_BODY_SIZE)

    def _headers(self, scope: Scope) -> Iterator[tuple[bytes, bytes]]:
        """Yield the headers as the transport is to see them: it knows this server's own origins alone."""
        for name, value in scope["headers"]:
            # Spaces around a value do not belong to it (RFC 9110, section 5.5), and the transport compares values.
            plain = value.strip(b" \t")
            if name != b"origin" or not self._components.origins.allows(plain.decode("latin-1")):
                yield name, plain

    async def _caller(self, request: Request, background: BackgroundTasks) -> Caller:
        """Return who comes. Raises Unauthorized, RateLimited, and PlanUnknown."""
        given = Headers(scope=request.scope).get("authorization", "")
        if not given.lower().startswith(BEARER):
            raise Unauthorized
        use = await self._check(given[len(BEARER) :].strip())
        components = self._components
        return await admit(use, components.plans, components.database, later=background.add_task)

    def _refusal(self, request: Request, error: EchoicError) -> Response:
        """Return the answer to somebody who is not let in, with the pointer to where a token is to be had (RFC 9728)."""
        status = next(status for family, status in STATUSES.items() if isinstance(error, family))
        headers = {}
        if status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = self._challenge(has_token="authorization" in request.headers)
        elif status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            headers["Retry-After"] = str(error.retry_after_seconds or RETRY_AFTER_SECONDS)
        return self._told(request, status, error, headers)

    def _told(
        self, request: Request, status: HTTPStatus, error: EchoicError, headers: Mapping[str, str] | None = None
    ) -> Response:
        request.state.refusal = (error.code, error.message)  # for the log line
        told = {"error": status.phrase, "message": error.message, "code": error.code}
        body = told | {"request_id": request.state.request_id}
        return JSONResponse(body, status_code=status, headers=headers)

    def _scope_challenge(self, caller: Caller, needed: str) -> str:
        """Return the challenge of RFC 6750, section 3.1; it names what was given, too, so that no client asks for less."""
        scopes = program_scopes({*caller.scopes, needed})
        return self._bearer(
            'error="insufficient_scope"',
            f'scope="{" ".join(scopes)}"',
            'error_description="The tool needs another scope"',
        )

    def _challenge(self, *, has_token: bool) -> str:
        """Return the challenge of RFC 6750, section 3; who sends no token is told of no error."""
        parts = ['error="invalid_token"', 'error_description="The token is unknown or ran out"'] if has_token else []
        return self._bearer(*parts)

    def _bearer(self, *parts: str) -> str:
        pointer = [] if self._metadata_url is None else [f'resource_metadata="{self._metadata_url}"']
        return f"Bearer {', '.join([*parts, *pointer])}".strip()


def _after(first: Message, receive: Receive) -> Receive:
    """Return a ``receive`` that gives a message again which was taken, and then the others."""
    taken = [first]

    async def again() -> Message:
        return taken.pop() if taken else await receive()

    return again


def add_mcp(
    app: Starlette,
    components: Components,
    *,
    check: TokenCheck,
    metadata_url: str | None = None,
    fill: "Fill | None" = None,
) -> None:
    """Serve the protocol at ``/mcp``, as long as the application's lifespan lasts.

    ``metadata_url`` tells clients without a token where they learn how to get one. ``fill`` registers others than Echoic's own tools.
    """
    door = Door(components, check, metadata_url=metadata_url, fill=fill)
    app.router.routes.append(door.route)
    outer = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(one: Any) -> AsyncIterator[Any]:
        async with outer(one) as state, door.transport.kept():
            yield state

    app.router.lifespan_context = lifespan
