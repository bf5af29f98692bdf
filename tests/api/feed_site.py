"""A web server of feeds and recordings, usual and odd, and somebody whose dataset follows one of them."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import text

from echoic.compose import Components
from echoic.intake.egress import Egress
from echoic.intake.networks import AllowList
from echoic.sources.episodes import Episodes
from echoic.sources.poll import Polls
from echoic.sources.publications import Publications
from tests.factories import Tenant
from tests.sites import ScriptedResolver, Site, SiteMaker

OK = "200 OK"


@dataclass
class Page:
    """What is answered under one path."""

    body: bytes = b""
    status: str = OK
    headers: dict[str, str] = field(default_factory=dict)
    declared: bool = True
    """Whether its length is said."""
    until: asyncio.Event | None = None
    """The connection stays open, without another byte, until this is set."""


Answering = Callable[[str, dict[str, str]], Page | None]
"""From a path and the request's headers, in lower case, to the answer; None: the connection is dropped."""


@dataclass
class FeedSite:
    """Pages by their paths, each bytes, an answer, or what makes one."""

    pages: dict[str, "Page | bytes | Answering"] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    site: Site = field(default_factory=Site)

    async def open(self, make_site: SiteMaker) -> "FeedSite":
        self.site = await make_site(self.answer)
        return self

    def url(self, path: str) -> str:
        return self.site.url(path)

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        head = self.site.requests[-1].split("\r\n")
        path = head[0].split()[1]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        self.asked.append((path, headers))
        found = self.pages.get(path.partition("?")[0])
        page = found(path, headers) if callable(found) else found
        if page is None:
            page = Page(status="404 Not Found") if found is None else None
        if page is None:
            return
        if isinstance(page, bytes):
            page = Page(page)
        lines = [f"HTTP/1.1 {page.status}", *(f"{name}: {value}" for name, value in page.headers.items())]
        if page.declared and "Content-Length" not in page.headers:
            lines.append(f"Content-Length: {len(page.body)}")
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + page.body)
        if page.until is not None:
            await writer.drain()
            await page.until.wait()


@dataclass
class Follower:
    """Somebody who follows feeds, with the parts of the server that ask them."""

    client: httpx.AsyncClient
    components: Components
    tenant: Tenant
    site: FeedSite
    egress: Egress

    @classmethod
    def of(
        cls, client: httpx.AsyncClient, components: Components, tenant: Tenant, site: FeedSite, trusting: ssl.SSLContext
    ) -> "Follower":
        resolver = ScriptedResolver(
            good_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]], internal_example=[["10.0.0.1"]]
        )
        egress = Egress(allowed=AllowList.parse(["127.0.0.1"]), resolve=resolver, ssl_context=trusting)
        return cls(client, components, tenant, site, egress)

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        return await self.client.request(method, path, headers=self.tenant.headers, **given)

    async def follow(self, path: str = "/feed.xml", **fields: Any) -> int:
        """Make a dataset with a feed; returns its id."""
        body = {"name": "Talks", "feed_url": self.site.url(path), **fields}
        answer = await self.ask("POST", "/api/datasets", json=body)
        assert answer.status_code == 201, answer.text
        dataset_id: int = answer.json()["id"]
        return dataset_id

    async def poll(self, dataset_id: int) -> dict[str, Any]:
        """Have the feed asked now; returns how it stands."""
        await self.ask("POST", f"/api/datasets/{dataset_id}/feed/poll")
        assert await Polls(self.components.database, self.egress).poll_next()
        return await self.feed(dataset_id)

    async def feed(self, dataset_id: int) -> dict[str, Any]:
        answer = await self.ask("GET", f"/api/datasets/{dataset_id}/feed")
        found: dict[str, Any] = answer.json()
        return found

    async def entries(self, dataset_id: int) -> list[dict[str, Any]]:
        answer = await self.ask("GET", f"/api/datasets/{dataset_id}/feed/entries?limit=100")
        found: list[dict[str, Any]] = answer.json()["entries"]
        return found

    def episodes(self) -> Episodes:
        parts = self.components
        return Episodes(
            parts.database,
            parts.blobs,
            admissions=parts.intake.admissions,
            acceptor=parts.intake.acceptor,
            egress=self.egress,
        )

    def publications(self) -> Publications:
        return Publications(self.components.database, self.egress)

    async def fetch_all(self) -> int:
        """Fetch whatever is to be fetched now; returns how many turns that took."""
        turns = 0
        while await self.episodes().fetch_next():
            turns += 1
        return turns

    async def items(self, dataset_id: int) -> list[dict[str, Any]]:
        answer = await self.ask("GET", f"/api/datasets/{dataset_id}/items")
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def pass_time(self) -> None:
        """Let every wait be over."""
        async with self.components.database.transaction() as session:
            await session.execute(text("UPDATE feeds SET next_poll_at = now()"))
            await session.execute(text("UPDATE feed_entries SET retry_at = now()"))
            await session.execute(text("UPDATE published_texts SET retry_at = now()"))
