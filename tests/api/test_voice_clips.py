"""A voice learned from an uploaded clip: what is kept of it, and what is refused."""

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.speakers.speakers import create_speaker
from echoic.units import SAMPLE_RATE
from tests.factories import Tenant, World
from tests.recordings import tones


@pytest.fixture
async def place(world: World, components: Components) -> tuple[Tenant, str]:
    """A tenant and the address of clips of somebody whom its library knows."""
    tenant = await world.tenant()
    async with components.database.transaction() as session:
        library = await libraries.first_own_library(session, tenant.account_id)
        assert library is not None
        speaker = await create_speaker(session, library_id=library.id, name="Anna")
        return tenant, f"/api/libraries/{library.slug}/speakers/{speaker.id}/clips"


async def test_of_a_clip_the_voiceprint_is_kept_and_nothing_else(
    client: httpx.AsyncClient, components: Components, place: tuple[Tenant, str]
) -> None:
    tenant, url = place
    answer = await client.post(url, headers=tenant.headers, files={"audio": ("anna.wav", tones(100.0))})
    assert answer.status_code == 201, answer.text
    assert answer.json()["voiceprints"] == 1
    async with components.database.transaction() as session:
        rows = (await session.execute(text("SELECT engine, seconds FROM voiceprints"))).all()
        jobs = list(await session.scalars(text("SELECT task_name FROM procrastinate_jobs")))
    assert [tuple(row) for row in rows] == [("fake/spectrum@1", 4.0)]
    assert jobs == ["echoic.recognize"]
    assert [blob async for blob in components.blobs.list_older_than(0)] == []
    assert await components.blobs.sweep_staging(0) == 0


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (tones(100.0, seconds=2.0), 400, "voice_unclear"),
        (tones(100.0, 400.0), 400, "voice_unclear"),
        (tones(100.0, seconds=301.0), 400, "voice_unclear"),
        (bytes(SAMPLE_RATE), 415, "not_audio"),
        (b"", 400, "audio_empty"),
        (bytes(21 * 1_048_576), 413, "file_too_large"),
    ],
    ids=["too short", "two voices", "too long", "no audio", "empty", "too large"],
)
async def test_a_clip_that_tells_nothing_of_one_voice_is_refused(
    client: httpx.AsyncClient,
    components: Components,
    place: tuple[Tenant, str],
    *,
    content: bytes,
    status: int,
    code: str,
) -> None:
    tenant, url = place
    answer = await client.post(url, headers=tenant.headers, files={"audio": ("clip.wav", content)})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    async with components.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM voiceprints")) == 0
