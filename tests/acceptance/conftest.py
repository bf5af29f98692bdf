"""Real stages in real worker processes, with fake engines so that it is over in seconds."""

import asyncio
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from echoic.compose import Components, open_components
from echoic.db.accounts import accounts
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.transcripts import transcripts
from echoic.postgres import ROLE
from echoic.records import Transcript
from echoic.settings import Settings
from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from tests.acceptance.held_workers import HeldWorkers
from tests.conftest import as_role
from tests.databases import Databases
from tests.folders import copied, passable_folder
from tests.stored import store
from tests.waiting import until

REPOSITORY = Path(__file__).parents[2]
RECORDING = REPOSITORY / "examples" / "conversation.flac"

QUICK = {
    "transcriber": "fake",
    "entity_tagger": "fake",
    "text_encoder": "fake",
    "diarizer": "fake",
    "worker_heartbeat_seconds": 0.3,
    "worker_stalled_seconds": 2,
    "worker_poll_seconds": 0.3,
    "worker_grace_seconds": 2,
    "stage_retry_base_seconds": 0.2,
}
FAKES = {f"ECHOIC_{name.upper()}": str(value) for name, value in QUICK.items()}
"""The same as a server of its own takes them."""


class Installation(HeldWorkers):
    """A database and a folder of audio, with as many workers as a test starts."""

    def __init__(
        self, url: str, folder: Path, components: Components, workers: list[subprocess.Popen[bytes]] | None = None
    ) -> None:
        settings = {"ECHOIC_DATABASE_URL": url, "ECHOIC_DATA_DIR": str(folder), **FAKES}
        super().__init__(folder, settings, workers)
        self.components = components

    async def until_held(self) -> None:
        async def held() -> bool:
            return self.is_held

        await until(held, "the stage is held")

    async def put(self, path: Path = RECORDING) -> int:
        """Store a recording and start its run, as an upload does; returns the item's id."""
        audio = await store(self.components, await asyncio.to_thread(path.read_bytes))
        async with self.components.database.transaction() as session:
            account = await accounts.first_account(session)
            if account is None:
                account = await accounts.create_account(session, name="Test", plan="unlimited")
                library = await libraries.create_library(session, slug="test", name="Test", owner_account_id=account.id)
                await libraries.create_dataset(session, library_id=library.id, name="Test")
            item = await items.create_item(session, dataset_id=1, title=path.stem, status="queued", audio_blob_id=audio)
            await self.components.runs.start(session, item)
            return item.id

    async def until_published(self, item_id: int) -> None:
        async def published() -> bool:
            status = await self.status(item_id)
            assert status not in ("failed", "cancelled"), f"the item ended as {status}"
            return status == "published"

        await until(published, f"item {item_id} is published")

    async def status(self, item_id: int) -> str:
        async with self.components.database.transaction() as session:
            item = await items.get_item(session, item_id)
            assert item is not None
            return item.status

    async def transcript(self, item_id: int) -> Transcript:
        async with self.components.database.transaction() as session:
            item = await items.get_item(session, item_id)
            assert item is not None
            found = await transcripts.load_transcript(session, item)
            assert found is not None
            return found.transcript

    async def events(self, item_id: int) -> Counter[tuple[str, str]]:
        """How often each thing happened to each stage."""
        async with self.components.database.transaction() as session:
            run = await runs.newest_run(session, item_id)
            assert run is not None
            return Counter((event.stage, event.event) for event in await runs.list_events(session, run.id))


def quick_settings(**others: Any) -> Settings:
    return Settings(_env_file=None, **{**QUICK, **others})


@pytest.fixture
async def installation(database_url: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async with open_components(quick_settings(data_dir=tmp_path), database_url) as components:
        made = Installation(database_url, tmp_path, components)
        yield made
        made.close()


@pytest.fixture(scope="module")
def shared_place(databases: Databases) -> Iterator[tuple[str, Path, list[subprocess.Popen[bytes]]]]:
    """A database, a folder and workers for the tests of a module."""
    name = databases.take()
    workers: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        yield as_role(databases.url(name), ROLE), Path(folder), workers
        for worker in workers:
            worker.kill()
            worker.wait()
    databases.give_back(name, changed=False)


@pytest.fixture
async def shared_installation(
    shared_place: tuple[str, Path, list[subprocess.Popen[bytes]]],
) -> AsyncIterator[Installation]:
    """An installation whose newest worker lives on for the next test: starting one costs more than its work."""
    url, folder, workers = shared_place
    async with open_components(quick_settings(data_dir=folder), url) as components:
        yield Installation(url, folder, components, workers)


@pytest.fixture(scope="session")
def first_start() -> Iterator[Path]:
    """A data folder as a first start leaves it behind."""
    with passable_folder() as folder:
        PrivateServer(folder, options=WITHOUT_WORKER, **FAKES).stop()
        (folder / "log").unlink()
        yield folder


@pytest.fixture
def used_folder(first_start: Path) -> Iterator[Path]:
    """A data folder where a server ran before."""
    with copied(first_start) as folder:
        yield folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder
