"""kill -9 of a worker inside every real stage, and of PostgreSQL: published once, nothing finished is done again."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from echoic.compose import open_components
from echoic.db.items import items
from echoic.errors import DatabaseUnavailable
from echoic.postgres import EmbeddedPostgres
from echoic.records import Transcript
from echoic.stages import STAGES
from tests.acceptance.conftest import Installation, quick_settings
from tests.waiting import until

pytestmark = pytest.mark.processes

STAGE_NAMES = [stage.name for stage in STAGES]
LONGEST_STOP_SECONDS = 90.0


def said(transcript: Transcript) -> list[tuple[float, float, str, str | None]]:
    """What a transcript says, when and by whom, without the ids that differ between items."""
    return [
        (word.start, word.end, word.text, word.speaker) for segment in transcript.segments for word in segment.words
    ]


@pytest.mark.parametrize("stage", STAGE_NAMES)
async def test_a_worker_killed_at_the_end_of_a_stage_costs_that_stage_once_and_changes_nothing(
    shared_installation: Installation, stage: str
) -> None:
    installation = shared_installation
    first = installation.living_worker()
    installation.hold(stage)
    item_id = await installation.put()
    await installation.until_held()
    installation.hold_nothing_more()
    second = installation.start_worker()
    first.send_signal(signal.SIGKILL)
    await installation.until_published(item_id)
    undisturbed = await installation.put()
    await installation.until_published(undisturbed)
    assert second.poll() is None
    events = await installation.events(item_id)
    assert {name: events[name, "done"] for name in STAGE_NAMES} == dict.fromkeys(STAGE_NAMES, 1)
    assert {name: events[name, "claimed"] for name in STAGE_NAMES} == {
        name: 2 if name == stage else 1 for name in STAGE_NAMES
    }
    transcript = said(await installation.transcript(item_id))
    assert transcript
    assert transcript == said(await installation.transcript(undisturbed))


@pytest.mark.parametrize("stage", ["diarize", "attribute"])
async def test_the_transcript_is_published_without_what_a_failed_optional_stage_would_have_added(
    shared_installation: Installation, stage: str
) -> None:
    installation = shared_installation
    installation.living_worker()
    with installation.failing(stage):
        item_id = await installation.put()
        await installation.until_published(item_id)
    transcript = await installation.transcript(item_id)
    assert said(transcript)
    assert {segment.speaker for segment in transcript.segments} == {None}
    async with installation.components.database.transaction() as session:
        item = await items.get_item(session, item_id)
    assert item is not None
    assert (item.error_stage, item.error_message) == (stage, "It was told to.")
    events = await installation.events(item_id)
    assert {name for name in STAGE_NAMES if events[name, "done"]} == {*STAGE_NAMES} - {stage}


async def test_two_items_with_the_same_bytes_are_two_items_with_the_same_words(
    shared_installation: Installation,
) -> None:
    installation = shared_installation
    first, second = await installation.put(), await installation.put()
    installation.living_worker()
    await installation.until_published(first)
    await installation.until_published(second)
    assert first != second
    assert said(await installation.transcript(first)) == said(await installation.transcript(second))


async def test_the_decoded_audio_is_given_up_at_publication_and_the_upload_kept(
    shared_installation: Installation,
) -> None:
    installation = shared_installation
    installation.living_worker()
    before = await _kept(installation)
    item_id = await installation.put()
    await installation.until_published(item_id)
    recording = (Path(__file__).parents[2] / "examples" / "conversation.flac").stat().st_size
    assert await _kept(installation) == before + Counter([recording])


async def _kept(installation: Installation) -> Counter[int]:
    """The sizes of all that is stored."""
    return Counter([blob.size_bytes async for blob in installation.components.blobs.list_older_than(0)])


@pytest.mark.parametrize("stage", ["decode", "transcribe", "index"])
async def test_a_killed_postgres_costs_no_finished_stage(used_folder: Path, stage: str) -> None:
    settings = quick_settings(data_dir=used_folder)
    with EmbeddedPostgres(settings) as server:
        async with open_components(settings, server.url) as components:
            installation = Installation(server.url, used_folder, components)
            installation.start_worker(hold=stage)
            item_id = await installation.put()
            await installation.until_held()
            pid_file = used_folder / "postgres" / "cluster" / "postmaster.pid"
            os.kill(int(pid_file.read_text(encoding="utf-8").splitlines()[0]), signal.SIGKILL)
            installation.release()
            await _until_published_through_outage(installation, item_id)
            events = await installation.events(item_id)
            installation.close()
    assert {name: events[name, "done"] for name in STAGE_NAMES} == dict.fromkeys(STAGE_NAMES, 1)
    assert events[stage, "claimed"] == 1, "the held stage stored its work once the database was back"


async def test_a_worker_told_to_stop_after_its_database_is_gone_does_not_linger(used_folder: Path) -> None:
    settings = quick_settings(data_dir=used_folder)
    with EmbeddedPostgres(settings) as server:
        async with open_components(settings, server.url) as components:
            installation = Installation(server.url, used_folder, components)
            worker = installation.start_worker(hold="transcribe")
            await installation.put()
            await installation.until_held()
    try:
        worker.send_signal(signal.SIGTERM)
        await asyncio.to_thread(worker.wait, timeout=LONGEST_STOP_SECONDS)
    finally:
        installation.close()


async def _until_published_through_outage(installation: Installation, item_id: int) -> None:

    async def published() -> bool:
        try:
            return await installation.status(item_id) == "published"
        except DatabaseUnavailable:
            return False

    await until(published, "the item is published")
