"""The page for the browser at every address that is no other route's, with its files from this installation.

A browser at an address that is no route at all gets the page, too, which says so; programs get the refusal of the API.

The files are made from ``web/`` when the wheel is built or the checkout set up. Where they are missing, ``/`` says so.
"""

import functools
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from echoic.compose import Components
from echoic.errors import StorageUnavailable
from echoic.logs import get_logger
from echoic.oauth.addresses import AUTHORIZE_PATH

log = get_logger(__name__)

FILES = Path(__file__).parents[1] / "web_files"
INDEX = "index.html"
SIGN_IN_PATH = "/sign-in"
ROUTES = (
    *(
        "/",
        SIGN_IN_PATH,
        "/libraries",
        "/libraries/{slug}",
        "/datasets/{id:int}",
        "/items/{id:int}",
        "/search",
        "/ask",
        "/account",
        "/record",
        "/quotes",
        "/pricing",
    ),
    *("/admin", "/admin/{part}"),
    AUTHORIZE_PATH,
    *("/podcast/{slug}", "/podcast/{slug}/episode/{item_slug}"),
    *(
        "/people",
        "/people/{slug}",
        "/people/{slug}/{id:int}",
        "/entities",
        "/entities/{id:int}",
        "/entities/{type}/{name:path}",
    ),
)
"""The page's own routes: each is the same file, which reads the address.

Those of podcasts are of the public Audioscrape API; of a slug the number at its end counts.
"""
HASHED_FOLDER = "assets"
IMMUTABLE = "public, max-age=31536000, immutable"
"""For files whose names change with their content (https://www.rfc-editor.org/rfc/rfc8246)."""
REVALIDATED = "no-cache"
NO_PAGES = ("/api/", "/v1/", "/health/", "/docs/", f"/{HASHED_FOLDER}/")
"""Below these, whoever asks is answered as a program."""
NOT_BUILT = "The page is not built in this checkout: run 'make setup'. The API is described at /docs.\n"

POLICY = "Content-Security-Policy"
SOUND = "media-src 'self' blob:"
HEADERS = {
    # Trusted Types let no text become HTML but by the policy of the framework, and no
    # address become a worker but by one that knows a single one (https://www.w3.org/TR/trusted-types/).
    POLICY: (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; {SOUND}; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html echoic-worker; worker-src 'self'"
    ),
    "Referrer-Policy": "same-origin",
}


def add_page(app: FastAPI, files: Path = FILES) -> None:
    """Serve the page under its routes, and the files that it loads."""
    app.router.routes.extend(_routes(files))
    if (files / INDEX).is_file():
        app.router.default = _missing(app.router.default, files / INDEX)


@functools.cache
def _routes(files: Path) -> tuple[Route, ...]:
    """Return the routes of the page and of its files, put together once for all applications of a process."""
    index = _index(files / INDEX) if (files / INDEX).is_file() else _not_built
    routes = [Route(path, index, include_in_schema=False) for path in ROUTES]
    for file in sorted(files.rglob("*")):
        name = file.relative_to(files).as_posix()
        if file.is_file() and name != INDEX and not name.startswith("."):
            kept = IMMUTABLE if name.startswith(f"{HASHED_FOLDER}/") else REVALIDATED
            routes.append(Route(f"/{name}", _file(file, {"Cache-Control": kept}), include_in_schema=False))
    return tuple(routes)


def item_link(base: str, item_id: int, second: float | None = None) -> str:
    """The address of a recording, where a second is given with the player at that second."""
    return f"{base}/items/{item_id}" + ("" if second is None else f"?t={second}")


def sign_in_link(base: str, token: str) -> str:
    """The address that lets in the first who opens it. Browsers send to nobody what stands behind ``#``."""
    return f"{base}{SIGN_IN_PATH}#token={token}"


def refusal_link(base: str, code: str) -> str:
    """The address that tells somebody in words why they were not let in."""
    return f"{base}{SIGN_IN_PATH}#refused={code}"


def invitation_link(base: str, token: str) -> str:
    """The address that makes a member of whoever opens it and signs in, or makes an account."""
    return f"{base}{SIGN_IN_PATH}#invitation={token}"


def _file(file: Path, headers: dict[str, str]) -> Callable[[Request], Awaitable[Response]]:
    async def one(_: Request) -> Response:
        return FileResponse(file, headers=headers)

    return one


def _index(file: Path) -> Callable[[Request], Awaitable[Response]]:
    async def one(request: Request) -> Response:
        return FileResponse(file, headers=await _index_headers(request.app.state.components))

    return one


async def _index_headers(components: Components) -> dict[str, str]:
    """Return the headers of the page, which may play what lies in the bucket, too: audio is redirected there."""
    headers = {**HEADERS, "Cache-Control": REVALIDATED}
    try:
        origin = await components.blobs.origin()
    except StorageUnavailable:
        # Who gives the credentials cannot be asked: nothing can be played, and the rest of the page goes on.
        log.warning("bucket_origin_unknown", exc_info=True)
        return headers
    if origin is not None:
        headers[POLICY] = headers[POLICY].replace(SOUND, f"{SOUND} {origin}")
    return headers


def _missing(otherwise: ASGIApp, index: Path) -> ASGIApp:
    """Answer a browser at an unknown address by the page, everybody else as before."""

    async def one(scope: Scope, receive: Receive, send: Send) -> None:
        answer = otherwise
        if scope["type"] == "http" and _is_visit(Request(scope)):
            headers = await _index_headers(scope["app"].state.components)
            answer = FileResponse(index, status_code=HTTPStatus.NOT_FOUND, headers=headers)
        await answer(scope, receive, send)

    return one


def _is_visit(request: Request) -> bool:
    """Return whether somebody looks at an address in a browser."""
    wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    return wants_page and not f"{request.url.path}/".startswith(NO_PAGES)


async def _not_built(_: Request) -> Response:
    return PlainTextResponse(NOT_BUILT, status_code=503)
