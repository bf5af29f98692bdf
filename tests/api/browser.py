"""A browser at a page of the server: cookies, the headers that it adds by itself, and the one that the page adds."""

import httpx

from echoic.accounts.passwords import Passwords
from echoic.api.openapi import DocumentedApi
from echoic.api.own_page import PAGE_HEADER

PAGE = "http://localhost:8080"
QUICK = Passwords(passes=1, memory_kib=64)
"""Hashes that take little time, and protect little."""
NAME, PASSWORD = "ada", "correct horse battery"


def browser(app: DocumentedApi, page: str = PAGE, *, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A browser whose every request comes from a page of this address."""
    origin = str(httpx.URL(page).copy_with(path="")).rstrip("/")
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, client=(address, 5000)),
        base_url=page,
        headers={"Origin": origin, "Sec-Fetch-Site": "same-origin", PAGE_HEADER: "1", "User-Agent": "Browser/1"},
    )


async def signed_in(opened: httpx.AsyncClient, name: str = NAME, password: str = PASSWORD) -> httpx.Response:
    """Sign in."""
    return await opened.post("/api/sign-in", json={"name": name, "password": password})
