"""Live and ready."""

import dataclasses
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from echoic.api.app import create_app
from echoic.compose import Components
from echoic.db.connect import Database
from echoic.db.loops import LoopNotes
from echoic.engines.media.parent import rehearsal
from echoic.upkeep import LoopState
from tests.api.tus import AUDIO
from tests.decoders import NO_LIBRARY, other_library
from tests.factories import World


@pytest.fixture
async def database_away(components: Components) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application whose database cannot be reached."""
    away = Database("postgresql://nobody@/none?host=/nonexistent", pool_size=1)
    transport = httpx.ASGITransport(app=create_app(dataclasses.replace(components, database=away)))
    async with httpx.AsyncClient(transport=transport, base_url="http://echoic.test") as client:
        yield client
    await away.close()


@pytest.fixture
def storage_away(components: Components) -> Iterator[None]:
    """A file stands where the folder with the audio was."""
    folder = components.settings.data_dir
    shutil.rmtree(folder)
    folder.write_text("in the way")
    yield
    folder.unlink()


async def test_with_all_parts_there_it_is_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "ok"}
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "storage": "ok", "decoder": "ok"}},
    )


async def test_without_the_database_it_lives_and_is_not_ready(database_away: httpx.AsyncClient) -> None:
    assert (await database_away.get("/health/live")).status_code == 200
    ready = await database_away.get("/health/ready")
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert ready.json()["checks"] == {"database": "unavailable", "storage": "ok", "decoder": "ok"}
    assert ready.json()["message"] == "Not ready: database not available."


@pytest.mark.usefixtures("storage_away")
async def test_without_the_storage_it_is_not_ready(client: httpx.AsyncClient) -> None:
    ready = await client.get("/health/ready")
    assert ready.json()["checks"] == {"database": "ok", "storage": "unavailable", "decoder": "ok"}


async def test_a_loop_that_keeps_failing_is_told_and_requests_go_on(
    client: httpx.AsyncClient, components: Components
) -> None:
    tell = LoopNotes(components.database)
    await tell("reindex", LoopState(failures=1, failed_in_a_row=1, error="x"))
    await tell("sweep", LoopState(failures=3, failed_in_a_row=3, error="x"))
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]) == (
        200,
        {"database": "ok", "storage": "ok", "decoder": "ok", "sweep": "failing"},
    )
    shown = (await client.get("/metrics")).text
    for line in (
        'echoic_loop_failures_total{loop="reindex"} 1.0',
        'echoic_loop_failures_total{loop="sweep"} 3.0',
        'echoic_loop_failing{loop="reindex"} 0.0',
        'echoic_loop_failing{loop="sweep"} 1.0',
    ):
        assert line in shown.splitlines()
    await tell("sweep", LoopState(failures=3))
    assert (await client.get("/health/ready")).json()["checks"] == {"database": "ok", "storage": "ok", "decoder": "ok"}


async def test_without_a_decoder_it_is_not_ready_says_why_and_recovers(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rehearsal, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(rehearsal, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr("echoic.api.health.CHECK_TIMEOUT_SECONDS", 60.0)
    tenant = await world.tenant()
    url, files = f"/api/datasets/{tenant.dataset_id}/items", {"audio": ("jfk.flac", AUDIO)}
    with monkeypatch.context() as broken:
        broken.syspath_prepend(other_library(tmp_path / "broken", NO_LIBRARY))
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["checks"] == {"database": "ok", "storage": "ok", "decoder": "unavailable"}
        assert ready.json()["message"] == (
            "Not ready: decoder not available. Recordings cannot be decoded on this machine: "
            "The decoder did not start: ImportError: libavformat.so.62: cannot open shared object file"
        )
        refused = await client.post(url, headers=tenant.headers, files=files)
        assert (refused.status_code, refused.json()["code"]) == (503, "decoder_unavailable")
    assert (await client.get("/health/ready")).json()["checks"]["decoder"] == "ok"
    assert (await client.post(url, headers=tenant.headers, files=files)).status_code == 200
