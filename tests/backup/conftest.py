"""An installation with recordings, and empty ones into which a backup of it is restored."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from echoic.backup.manifest import Manifest
from echoic.backup.place import Place
from echoic.backup.restore import restore
from echoic.db import migrate
from echoic.db.backup.left_out import LeftOut
from echoic.db.connect import Database
from echoic.storage.local import LocalBlobs
from tests.databases import TABLES
from tests.factories import Tenant, World, talk

REPOSITORY = Path(__file__).parents[2]
RECORDINGS = 3


@dataclass(frozen=True)
class Source:
    """A database as its server works on it, and the bytes of its recordings."""

    database: Database
    blobs: LocalBlobs
    folder: Path
    tenant: Tenant
    world: World

    async def recording(self, *, title: str = "Talk", status: str = "published") -> int:
        """An item with a transcript and bytes of its own; returns its id."""
        spoken = talk(f"We speak of {title}.", "And of the deadline.")
        item_id = await self.world.item(self.tenant.dataset_id, spoken, title=title, status=status)
        await self.give_bytes()
        return item_id

    async def give_bytes(self) -> None:
        """Store bytes for every row of a blob that has none yet."""
        async with await psycopg.AsyncConnection.connect(self.database.url, autocommit=True) as connection:
            rows = await (await connection.execute("SELECT id, key FROM blobs WHERE sha256 LIKE '00000%'")).fetchall()
            for blob_id, key in rows:
                async with self.blobs.stage(key) as staged:
                    await staged.write(os.urandom(2000 + blob_id))
                    stored = await staged.finish()
                await connection.execute(
                    "UPDATE blobs SET size_bytes = %s, sha256 = %s WHERE id = %s",
                    [stored.size_bytes, stored.sha256, blob_id],
                )


@pytest.fixture
async def source(database_url: str, tmp_path: Path) -> AsyncIterator[Source]:
    database = Database(database_url, pool_size=2)
    world = World(database)
    folder = tmp_path / "source"
    made = Source(database, LocalBlobs.create(folder / "blobs"), folder, await world.tenant(), world)
    for number in range(RECORDINGS):
        await made.recording(title=f"Talk {number}")
    yield made
    await database.close()


@pytest.fixture
def older_url(empty_url: str) -> str:
    """A database with the schema of an earlier version."""
    migrate.lay_out(empty_url, migrate.known_revisions()[-2])
    return empty_url


def all_rows(url: str) -> dict[str, list[str]]:
    """The rows of every table, as text."""
    with psycopg.connect(url) as connection:
        tables = [sql.Identifier(*row) for row in connection.execute(TABLES)]
        return {
            table.as_string(): sorted(
                row for (row,) in connection.execute(sql.SQL("SELECT each::text FROM {} AS each").format(table))
            )
            for table in tables
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.open(str(tmp_path / "backups of all"), make=True)


async def restored(
    url: str, folder: Path, place: Place, manifest: Manifest, *, left_out: LeftOut | None = None
) -> LocalBlobs:
    """Restore as the command does; returns the storage."""
    blobs = LocalBlobs.create(folder)
    await restore(url, blobs, place, manifest, left_out=left_out)
    await asyncio.to_thread(migrate.upgrade, url)
    return blobs


async def content(blobs: LocalBlobs) -> dict[str, bytes]:
    """All objects of a storage."""
    keys = [found.key async for found in blobs.list_older_than(0)]
    return {key: b"".join([chunk async for chunk in blobs.stream(key)]) for key in keys}


async def change(url: str, *statements: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


def command(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a command line whose copying can be held: see ``held_copying``."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.backup.held_copying", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(*arguments: str, **environment: str) -> str:
    """The output of a command that succeeds."""
    running = command(*arguments, **environment)
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 0, output
    return output
