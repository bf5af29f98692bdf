"""Somebody who watches, on a server whose operator allows one folder for a library and one for administrators."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from echoic.compose import Components, open_components
from tests.api.conftest import PLANS, SETTINGS
from tests.api.watched.watcher import SECRET, Watcher
from tests.factories import World


@pytest.fixture
def buckets_file() -> Path | None:
    """The operator's file of buckets."""
    return None


@pytest.fixture
async def components(database_url: str, tmp_path: Path, buckets_file: Path | None) -> AsyncIterator[Components]:
    """The open parts of a process that may watch folders: one for a library, one for administrators."""
    calls, all_calls = tmp_path / "calls", tmp_path / "all"
    for folder in (calls, all_calls, tmp_path / SECRET):
        folder.mkdir()
    settings = SETTINGS.model_copy(
        update={
            "data_dir": tmp_path / "data",
            "watch_roots": (f"{calls}=library-1", str(all_calls)),
            "watch_buckets_file": buckets_file,
        }
    )
    async with open_components(settings, database_url, plans=PLANS) as opened:
        yield opened


@pytest.fixture
async def watcher(client: httpx.AsyncClient, components: Components, world: World, tmp_path: Path) -> Watcher:
    inbox = tmp_path / "calls" / "inbox"
    inbox.mkdir()
    return Watcher(client, components, await world.tenant(), inbox)
