"""Pages of other origins that use the API with a key: answers to their preflights, and headers that let them read answers.

By the CORS protocol, https://fetch.spec.whatwg.org/#http-cors-protocol. No answer has Access-Control-Allow-Credentials,
whatever is set: a browser never lets such a page use the session of this server's own page. Nor may a request bring
``X-Echoic-Request``, which the writes of a session need (``own_page``), or a header in which a proxy names people.
"""

from http import HTTPMethod, HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from echoic.api.context import components_of
from echoic.api.problems import problem
from echoic.errors import OriginNotAllowed
from echoic.origins import NO_ORIGINS, Origins

Field = tuple[bytes, bytes]

API_PATHS = ("/api/", "/v1/", "/mcp", "/health/")
"""Below these, the origins of ECHOIC_CORS_ORIGINS may read."""
OWN_PAGE_PATHS = ("/api/sign-in", "/api/sign-up", "/api/sign-out")
"""Paths, with those below them, that are for the page of this server alone: they set cookies, and no key opens them."""
PUBLIC_PATHS = ("/.well-known/", "/oauth/token", "/oauth/register", "/oauth/revoke")
"""Below these, every origin may read, whatever is set: documents that say the same to everybody, and routes of programs
that know nobody by a cookie."""

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = (
    *("Authorization", "Accept", "Accept-Language", "Cache-Control", "Content-Type", "Content-Disposition"),
    *("If-Match", "If-None-Match", "If-Modified-Since", "If-Range", "Range", "Prefer", "User-Agent", "Last-Event-ID"),
    *("Idempotency-Key", "X-Request-ID", "X-Requested-With", "traceparent", "tracestate"),
    *("Content-Digest", "Repr-Digest", "Want-Content-Digest", "Want-Repr-Digest"),
    *("Tus-Resumable", "Upload-Length", "Upload-Defer-Length", "Upload-Offset", "Upload-Metadata", "Upload-Checksum"),
    *("Upload-Concat", "Upload-Complete", "Upload-Draft-Interop-Version", "X-HTTP-Method-Override"),
    *("MCP-Protocol-Version", "Mcp-Session-Id", "Mcp-Method", "Mcp-Name"),
    *("OpenAI-Organization", "OpenAI-Project", "OpenAI-Beta"),
)
"""Headers that a page may send."""
REQUEST_HEADER_PREFIXES = ("x-stainless-",)
"""OpenAI's client describes itself in some ten headers that begin so."""
ANSWER_HEADERS = (
    *("Accept-Encoding", "Accept-Ranges", "Allow", "Content-Disposition", "Content-Length", "Content-Range", "ETag"),
    *("Location", "Retry-After", "WWW-Authenticate", "X-Request-ID", "X-Ignored-Parameters", "Idempotent-Replayed"),
    *("X-Item-Status", "X-Total-Segments", "X-Transcript-Version", "X-Item-Notices"),
    *("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    *("Item-Id", "Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
    *("Upload-Offset", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Expires"),
    *("Upload-Complete", "Upload-Limit", "Upload-Draft-Interop-Version", "Content-Digest", "Repr-Digest"),
    *("Mcp-Session-Id", "MCP-Protocol-Version", "X-Item-Id", "X-Model-Used", "X-Model-Unknown"),
    "Deletion-Receipt",
)
"""Headers of answers that a page may read."""
MAX_AGE_SECONDS = 7200
"""The longest time for which Chromium keeps the answer to a preflight."""

_NAMES = frozenset(name.lower() for name in REQUEST_HEADERS)
_EXPOSED = (b"access-control-expose-headers", ", ".join(ANSWER_HEADERS).encode())
_VARIES: Field = (b"vary", b"Origin")
_PREFLIGHT_VARIES: Field = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
_EVERY_ORIGIN: Field = (b"access-control-allow-origin", b"*")
_EVERYBODY = Origins(is_any=True)


class CrossOrigin:
    """Wraps the application, within ``Observed``, which adds the headers that are noted here also to what it answers itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        allowed = components_of(Request(scope)).origins
        scope["state"]["cross_origin"] = fields_of(scope, allowed)
        origins = readers_of(scope["path"], allowed)
        if origins is NO_ORIGINS or not _is_preflight(scope):
            await self._app(scope, receive, send)
            return
        await _preflight(Request(scope), origins)(scope, receive, send)


def fields_of(scope: Scope, origins: Origins) -> list[Field]:
    """Return the headers of the answer to a request that let the page behind it read the answer, where it may."""
    return answer_fields(readers_of(scope["path"], origins), _origin_of(scope))


def readers_of(path: str, origins: Origins) -> Origins:
    """Return whose pages may read the answers at a path."""
    if path.startswith(PUBLIC_PATHS):
        return _EVERYBODY
    is_own = any(path == own or path.startswith(f"{own}/") for own in OWN_PAGE_PATHS)
    return NO_ORIGINS if is_own or not path.startswith(API_PATHS) else origins


def answer_fields(origins: Origins, origin: str | None) -> list[Field]:
    """Return the headers of an answer that lets a page of this origin read it, where that is allowed."""
    if origins.is_any:
        return [_EVERY_ORIGIN, _EXPOSED]
    if origins.is_empty:
        return []
    if origin is None or not origins.allows(origin):
        return [_VARIES]
    return [(b"access-control-allow-origin", origin.encode("latin-1")), _EXPOSED, _VARIES]


def _is_preflight(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    asks = "access-control-request-method" in headers and "origin" in headers
    return asks and bool(scope["method"] == HTTPMethod.OPTIONS)


def _preflight(request: Request, origins: Origins) -> Response:
    """Answer the question whether a page may send a request; whoever may not is told where that is set."""
    if not origins.allows(_origin_of(request.scope)):
        message = "Pages of this origin may not use the API. ECHOIC_CORS_ORIGINS names the origins that may."
        return problem(request, status=HTTPStatus.FORBIDDEN, code=OriginNotAllowed.code, message=message)
    answer = Response(status_code=HTTPStatus.NO_CONTENT)
    answer.raw_headers.extend(
        [
            (b"access-control-allow-methods", METHODS.encode()),
            (b"access-control-allow-headers", ", ".join((*REQUEST_HEADERS, *_of_clients(request))).encode()),
            (b"access-control-max-age", str(MAX_AGE_SECONDS).encode()),
            _PREFLIGHT_VARIES,
        ]
    )
    return answer


def _of_clients(request: Request) -> list[str]:
    """Return the headers that are asked for and allowed by the beginning of their names."""
    asked = request.headers.get("access-control-request-headers", "").split(",")
    names = {name.strip().lower() for name in asked}
    return sorted(name for name in names - _NAMES if name.startswith(REQUEST_HEADER_PREFIXES) and _is_token(name))


def _is_token(name: str) -> bool:
    return name.isascii() and name.replace("-", "").isalnum()


def _origin_of(scope: Scope) -> str | None:
    values = Headers(scope=scope).getlist("origin")
    return values[0] if len(values) == 1 else None
