"""The pages of share links, readable without a script, their sound, a player for other pages, and its description (oEmbed).

They are no part of the OpenAPI document: people and other sites open them. Nobody is known here but by the link, and every
link that does not work is answered as one that never was.
"""

import hashlib
import html
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from echoic.api.audio import MEDIA_TYPES, headers_of
from echoic.api.context import ComponentsDep, base_url
from echoic.api.downloads import disposition
from echoic.api.oauth_answers import read_form
from echoic.api.problems import problem
from echoic.api.ranged_answers import ranged
from echoic.api.ranges import is_unchanged
from echoic.api.visitors import visitor_of
from echoic.compose import Components
from echoic.errors import RateLimited, ShareNotFound, SharePasswordNeeded, SharePasswordWrong
from echoic.intake.muted_audio import Muted
from echoic.sharing import pages
from echoic.sharing.pages import EMBED_HEIGHT, EMBED_WIDTH, Link, Pages
from echoic.sharing.shares import SHARED_PATH, OpenShare
from echoic.sharing.shown import SharedSound, ShownMoment, shown, sound
from echoic.sharing.tokens import UNLOCKED_SECONDS
from echoic.sharing.words import words_for

OEMBED_PATH = "/share/oembed"
PLAYER = "player"
COOKIE = "echoic_share"

PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}

router = APIRouter(tags=["shares"], include_in_schema=False)


@cache
def _pages() -> Pages:
    return Pages()


@router.get(f"{SHARED_PATH}/{{token}}")
@router.head(f"{SHARED_PATH}/{{token}}", name="head")
async def page(token: str, request: Request, components: ComponentsDep) -> Response:
    """The page of a link: what is said, with its sound."""
    words = words_for(request.headers.get("accept-language", ""))
    try:
        opened, moments = await _opened(token, request, components)
    except ShareNotFound:
        return _gone(words)
    except SharePasswordNeeded:
        return html_page(_pages().password(_path(token), words), status=403)
    link = _link(opened, base_url(request, components))
    return html_page(_pages().page(link, moments, words))


@router.post(f"{SHARED_PATH}/{{token}}")
async def unlock(token: str, request: Request, components: ComponentsDep) -> Response:
    """The form with the password; the page follows."""
    words = words_for(request.headers.get("accept-language", ""))
    password = (await read_form(request)).get("password", "")
    try:
        opened, _ = await _found(token, components)
        if opened.share.password_hash is None:
            return RedirectResponse(_path(token), status_code=303, headers=PRIVATE)
        mark = await components.shares.unlock(opened, password, address=visitor_of(request).address)
    except ShareNotFound:
        return _gone(words)
    except SharePasswordWrong:
        return html_page(_pages().password(_path(token), words, fault="password_wrong"), status=403)
    except RateLimited as error:
        body = _pages().password(_path(token), words, fault="password_wait")
        return html_page(body, status=429, headers={"Retry-After": str(error.retry_after_seconds)})
    answer = RedirectResponse(_path(token), status_code=303, headers=PRIVATE)
    is_secure = base_url(request, components).startswith("https://")
    answer.set_cookie(
        COOKIE, mark, max_age=UNLOCKED_SECONDS, path=_path(token), secure=is_secure, httponly=True, samesite="lax"
    )
    return answer


@router.get(f"{SHARED_PATH}/{{token}}/{PLAYER}")
@router.head(f"{SHARED_PATH}/{{token}}/{PLAYER}", name="head")
async def player(token: str, request: Request, components: ComponentsDep) -> Response:
    """The player that pages of the named origins show; for a link that names none, there is no such page."""
    words = words_for(request.headers.get("accept-language", ""))
    try:
        opened, moments = await _opened(token, request, components)
        origins = opened.share.embed_origins
        if not origins:
            return _gone(words)
    except (ShareNotFound, SharePasswordNeeded):
        return _gone(words)
    link = _link(opened, base_url(request, components))
    return html_page(_pages().player(link, moments, words), origins=origins)


@router.get(f"{SHARED_PATH}/{{token}}/audio/{{moment}}")
@router.head(f"{SHARED_PATH}/{{token}}/audio/{{moment}}", name="head")
async def audio(token: str, moment: int, request: Request, components: ComponentsDep) -> Response:
    """The sound of a moment: of a whole recording that hides nothing as it was uploaded, else WAV of these seconds alone."""
    opened = await components.shares.find(token)
    # First whether there is anything: a link that leads to nothing asks nobody for a password.
    found = await components.aside.run(lambda database: sound(database, opened, moment))
    await components.shares.require_unlocked(opened, request.cookies.get(COOKIE))
    if found.is_original:
        size, kept = found.audio.size_bytes, headers_of(found.item, found.audio)
    else:
        muted = Muted(item=found.item, audio=found.audio, spans=found.spans, start=found.start, end=found.end)
        size, kept = muted.size_bytes, _headers_of_part(opened, found)
    headers = {**kept, **PRIVATE, "Cache-Control": "private, no-cache", "Cross-Origin-Resource-Policy": "same-origin"}
    if is_unchanged(request.headers, etag=headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return await ranged(
        request,
        headers,
        size=size,
        stream=lambda sent: (
            components.blobs.stream(found.audio.key, sent.start, sent.end)
            if found.is_original
            else components.shares.audio.stream(muted, sent.start, sent.end)
        ),
    )


@router.get(OEMBED_PATH)
@router.head(OEMBED_PATH, name="head")
async def oembed(
    request: Request,
    components: ComponentsDep,
    *,
    url: Annotated[str, Query(max_length=2000)],
    form: Annotated[str, Query(alias="format")] = "json",
    maxwidth: Annotated[int, Query(ge=1)] = EMBED_WIDTH,
    maxheight: Annotated[int, Query(ge=1)] = EMBED_HEIGHT,
) -> Response:
    """The description by which another site shows a link (https://oembed.com): a player where it may be embedded, or a title."""
    if form != "json":
        return problem(request, status=501, code="not_implemented", message="Only format=json is there.")
    token = _token_in(url)
    try:
        opened, moments = await _opened(token, request, components)
    except SharePasswordNeeded as error:
        raise ShareNotFound from error
    base = base_url(request, components)
    title = pages.without_directions(pages.title_of(opened.share.query, moments, words_for("")))
    body: dict[str, object] = {
        "version": "1.0",
        "type": "link",
        "title": title,
        "provider_name": "Echoic",
        "provider_url": base,
    }
    if opened.share.embed_origins:
        width, height = min(EMBED_WIDTH, maxwidth), min(EMBED_HEIGHT, maxheight)
        source = html.escape(f"{base}{_path(token)}/{PLAYER}")
        frame = (
            f'<iframe src="{source}" width="{width}" height="{height}" title="{html.escape(title)}" '
            'loading="lazy" referrerpolicy="no-referrer"></iframe>'
        )
        body |= {"type": "rich", "html": frame, "width": width, "height": height}
    return JSONResponse(body, headers=PRIVATE)


def _token_in(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError as error:
        raise ShareNotFound from error
    return path.removeprefix(f"{SHARED_PATH}/").partition("/")[0] if path.startswith(f"{SHARED_PATH}/") else ""


async def _opened(token: str, request: Request, components: Components) -> tuple[OpenShare, list[ShownMoment]]:
    opened, moments = await _found(token, components)
    await components.shares.require_unlocked(opened, request.cookies.get(COOKIE))
    return opened, moments


async def _found(token: str, components: Components) -> tuple[OpenShare, list[ShownMoment]]:
    opened = await components.shares.find(token)
    return opened, await components.aside.run(lambda database: shown(database, opened))


def _headers_of_part(opened: OpenShare, found: SharedSound) -> dict[str, str]:
    known = f"{found.audio.sha256} {found.spans} {found.start} {found.end}"
    return {
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(opened.share.title or found.title, "wav", otherwise="recording"),
        "Content-Type": MEDIA_TYPES["wav"],
        "ETag": f'"{hashlib.sha256(known.encode()).hexdigest()}"',
    }


def _link(opened: OpenShare, base: str) -> Link:
    path = _path(opened.token)
    return Link(
        address=base + path,
        base=path,
        oembed=f"{base}{OEMBED_PATH}?url={quote(base + path, safe='')}",
        query=opened.share.query,
        with_audio=opened.share.with_audio,
        expires_at=opened.share.expires_at,
    )


def _path(token: str) -> str:
    return f"{SHARED_PATH}/{quote(token, safe='')}"


def _gone(words: Mapping[str, str]) -> Response:
    return html_page(_pages().gone(words), status=404)


def html_page(
    body: str, *, status: int = 200, origins: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Return a page of the server for one person, under its strict policy; pages of these origins may embed it."""
    sent = {
        **PRIVATE,
        "Content-Security-Policy": pages.policy(origins),
        "Vary": "Accept-Language, Cookie",
        **(headers or {}),
    }
    if not origins:
        sent["X-Frame-Options"] = "DENY"
    return HTMLResponse(body, status_code=status, headers=sent)
