"""Somebody whose dataset watches a folder or a bucket, with the parts of the server that look there."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.compose import Components
from echoic.db.sources import watched
from echoic.db.sources.watched import WatchedSource
from tests.api.uploading import AUDIO
from tests.factories import Tenant

LONG_AGO = 1_700_000_000
SECRET = "s3cret-place"
"""A folder that nobody may watch."""


def other(number: int) -> bytes:
    """The recording with other bytes: what follows its end is passed over."""
    return AUDIO + number.to_bytes(4, "big")


async def made_source(session: AsyncSession, tenant: Tenant) -> WatchedSource:
    """A source of a tenant's dataset, as a row alone."""
    return await watched.create_source(
        session,
        dataset_id=tenant.dataset_id,
        account_id=tenant.account_id,
        folder="/srv/calls",
        look_every_seconds=30,
        settle_seconds=10,
    )


@dataclass
class Watcher:
    """Asks the API, and does what the loops of a server do."""

    client: httpx.AsyncClient
    components: Components
    tenant: Tenant
    inbox: Path

    @property
    def path(self) -> str:
        return f"/api/datasets/{self.tenant.dataset_id}/sources"

    async def ask(self, method: str, path: str = "", **given: Any) -> httpx.Response:
        return await self.client.request(method, f"{self.path}{path}", headers=self.tenant.headers, **given)

    async def watch(self, **fields: Any) -> int:
        """Make a source, whose files need not settle; returns its id."""
        body = {"settle_seconds": 0, **({} if "bucket" in fields else {"folder": str(self.inbox)}), **fields}
        answer = await self.ask("POST", json=body)
        assert answer.status_code == 201, answer.text
        source_id: int = answer.json()["id"]
        return source_id

    async def look(self, source_id: int, **body: Any) -> dict[str, Any]:
        """Have the source looked at now; returns how it stands."""
        assert (await self.ask("POST", f"/{source_id}/look", json=body)).status_code == 200
        while await self.components.watch_work.looks.look_next():
            pass
        return await self.source(source_id)

    async def take_all(self) -> int:
        """Take in what is to be taken now; returns how many turns that took."""
        turns = 0
        while await self.components.watch_work.takes.take_next():
            turns += 1
        return turns

    async def work(self, source_id: int) -> dict[str, Any]:
        """Look and take; returns how the source stands."""
        await self.look(source_id)
        await self.take_all()
        return await self.source(source_id)

    async def source(self, source_id: int) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask("GET", f"/{source_id}")).json()
        return found

    async def files(self, source_id: int) -> dict[str, tuple[str, str | None]]:
        """State and reason of each file, by its path."""
        found = (await self.ask("GET", f"/{source_id}/files?limit=100")).json()["files"]
        return {one["path"]: (one["state"], one["reason"]) for one in found}

    async def items(self) -> list[dict[str, Any]]:
        answer = await self.client.get(
            f"/api/datasets/{self.tenant.dataset_id}/items", headers=self.tenant.headers, params={"limit": 100}
        )
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def finish_items(self) -> None:
        """Let nothing be under way any more."""
        async with self.components.database.transaction() as session:
            await session.execute(text("UPDATE pipeline_queue SET state = 'succeeded'"))

    async def pass_time(self) -> None:
        """Let every wait and every lease be over."""
        async with self.components.database.transaction() as session:
            await session.execute(text("UPDATE watched_sources SET next_look_at = now(), held_until = now()"))
            await session.execute(text("UPDATE watched_files SET leased_until = now() - interval '1 second'"))
            await session.execute(text("UPDATE watched_files SET changed_at = changed_at - interval '1 hour'"))

    def put(self, name: str, content: bytes, *, at: float = LONG_AGO) -> Path:
        """Write a file that was changed then."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (at, at))
        return path

    def names(self) -> list[str]:
        """All files below the folder."""
        return sorted(str(path.relative_to(self.inbox)) for path in self.inbox.rglob("*") if path.is_file())
