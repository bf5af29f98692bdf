"""The page at /sign-in: a form for name and password, and the place that one-time links and invitations lead to.

A link carries its token behind ``#``, which browsers send to nobody. The page removes the token from the address first.
"""

import re
from importlib import resources

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse

from echoic.api.docs import digest_of

SIGN_IN_PATH = "/sign-in"
_INLINE = {name: re.compile(f"<{name}>(.*?)</{name}>", re.DOTALL) for name in ("script", "style")}


def add_sign_in_page(app: FastAPI) -> None:
    """Serve the page, which is one file."""
    html = resources.files("echoic.api").joinpath("sign_in.html").read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": _policy(html),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(html, headers=headers)

    app.add_route(SIGN_IN_PATH, page, include_in_schema=False)


def link(base: str, token: str) -> str:
    """The address that lets in the first who opens it."""
    return f"{base}{SIGN_IN_PATH}#token={token}"


def invitation_link(base: str, token: str) -> str:
    """The address that makes a member of whoever opens it and signs in, or makes an account."""
    return f"{base}{SIGN_IN_PATH}#invitation={token}"


def _policy(html: str) -> str:
    script, style = (" ".join(map(digest_of, inline.findall(html))) for inline in _INLINE.values())
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
