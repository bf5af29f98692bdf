"""Runs of the toy stages, and workers for them as real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import accounts
from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.items.items import Item
from echoic.db.runs import runs
from echoic.db.runs.runs import PipelineRun
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.state_machine import RunStateMachine
from echoic.postgres import ROLE
from tests.conftest import as_role
from tests.databases import Databases
from tests.pgbouncer import Pooler
from tests.pipeline.toy import TABLE
from tests.waiting import until

REPOSITORY = Path(__file__).parents[2]
MAX_ATTEMPTS = 3


class Runs:
    """Starts toy runs and waits for what becomes of them."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.machine = RunStateMachine(TABLE, JobQueue(database), max_attempts=MAX_ATTEMPTS)
        self.dataset_id = 0

    async def item(self) -> int:
        """Make an item without a run; returns its id."""
        async with self.database.transaction() as session:
            return (await self._item(session)).id

    async def start(self, **options: Any) -> int:
        """Start a run of a new item; returns the run's id."""
        async with self.database.transaction() as session:
            item = await self._item(session)
            run = await self.machine.start(session, item, options={"folder": str(self.folder), **options})
            return run.id

    async def _item(self, session: AsyncSession) -> Item:
        if not self.dataset_id:
            account = await accounts.create_account(session, name="Toy", plan="unlimited")
            library = await libraries.create_library(
                session, slug=f"toy-{os.urandom(4).hex()}", name="Toy", owner_account_id=account.id
            )
            self.dataset_id = (await libraries.create_dataset(session, library_id=library.id, name="Toy")).id
        blob = await items.create_blob(session, key=os.urandom(8).hex(), size_bytes=1, sha256="0")
        return await items.create_item(
            session, dataset_id=self.dataset_id, title="Toy", status="stored", audio_blob_id=blob.id
        )

    async def get(self, run_id: int) -> PipelineRun:
        async with self.database.transaction() as session:
            run = await runs.get_run(session, run_id)
            assert run is not None
            return run

    async def events(self, run_id: int) -> list[tuple[str, str]]:
        async with self.database.transaction() as session:
            return [(event.stage, event.event) for event in await runs.list_events(session, run_id)]

    async def until_state(self, run_id: int, state: str) -> PipelineRun:
        async def reached() -> bool:
            return (await self.get(run_id)).state == state

        await until(reached, f"run {run_id} is {state}")
        return await self.get(run_id)

    async def until_held(self) -> None:
        """Wait until a held stage has saved its first part."""

        async def held() -> bool:
            return (self.folder / "pid").exists()

        await until(held, "the stage is held")

    def release(self) -> None:
        (self.folder / "release").touch()


class Workers:
    """Worker processes of the toy stages."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, **settings: object) -> subprocess.Popen[bytes]:
        quick: dict[str, object] = {
            "worker_heartbeat_seconds": 0.3,
            "worker_stalled_seconds": 2,
            "worker_poll_seconds": 0.3,
            "worker_grace_seconds": 2,
            "stage_retry_base_seconds": 0.1,
            **settings,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.pipeline.toy_process", "worker"],
            cwd=REPOSITORY,
            env={
                **os.environ,
                "ECHOIC_DATABASE_URL": self._url,
                **{f"ECHOIC_{name.upper()}": str(value) for name, value in quick.items()},
            },
        )
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=4)
    yield database
    await database.close()


@pytest.fixture(params=["straight", "through_pgbouncer"])
async def either_database(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """The database as a process reaches it that is told of no pool, and then as one that is."""
    if request.param == "straight":
        database = Database(database_url, pool_size=4)
    else:
        pgbouncer: Pooler = request.getfixturevalue("pgbouncer")
        through = pgbouncer.url(urlsplit(database_url).path.removeprefix("/"))
        database = Database(through, pool_size=4, direct_url=database_url)
    yield database
    await database.close()


@pytest.fixture(scope="module")
def shared_url(databases: Databases) -> Iterator[str]:
    """One database for the tests of a module."""
    name = databases.take()
    yield as_role(databases.url(name), ROLE)
    databases.give_back(name, changed=False)


@pytest.fixture(scope="module")
def shared_worker(shared_url: str) -> Iterator[None]:
    """One worker for the tests of a module that look at their own runs alone: most of a toy stage's time is its start."""
    started = Workers(shared_url)
    started.start(stage_max_attempts=MAX_ATTEMPTS)
    yield
    started.close()


@pytest.fixture
async def shared_runs(shared_url: str, shared_worker: None, tmp_path: Path) -> AsyncIterator[Runs]:
    """Runs for the shared worker, in a folder of the test's own."""
    database = Database(shared_url, pool_size=4)
    yield Runs(database, tmp_path)
    await database.close()


@pytest.fixture
def either_runs(either_database: Database, tmp_path: Path) -> Runs:
    return Runs(either_database, tmp_path)


@pytest.fixture
def toy_runs(database: Database, tmp_path: Path) -> Runs:
    return Runs(database, tmp_path)


@pytest.fixture
def workers(database_url: str) -> Iterator[Workers]:
    started = Workers(database_url)
    yield started
    started.close()
