"""A voice learned in one item is recognized in others by a worker, also by the next one where the first is killed."""

import signal

import pytest
from sqlalchemy import text

from echoic.db.items import items
from echoic.db.speakers import appearances, speakers
from echoic.db.speakers.appearances import LabelView
from echoic.voices.recognition import recognize_later
from tests.acceptance.conftest import Installation
from tests.waiting import until

pytestmark = pytest.mark.processes


async def labels(installation: Installation, item_id: int) -> list[LabelView]:
    async with installation.components.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        return await appearances.list_labels(session, item.transcript_id)


async def enrol(installation: Installation, item_id: int) -> str:
    """Name whoever has a voiceprint in the item; returns the label."""
    found = next(each for each in await labels(installation, item_id) if each.has_voiceprint)
    components = installation.components
    async with components.database.transaction() as session:
        dataset = await items.dataset_of_item(session, item_id)
        item = await items.get_item(session, item_id)
        assert dataset is not None
        assert item is not None
        assert item.transcript_id is not None
        anna = await speakers.create_speaker(session, library_id=dataset.library_id, name="Anna")
        await appearances.name_label(
            session,
            item_id=item_id,
            transcript_id=item.transcript_id,
            label=found.label,
            speaker_id=anna.id,
            learn=True,
        )
        await recognize_later(session, components.queue, dataset.library_id)
    return found.label


async def test_a_worker_killed_while_it_recognizes_voices_leaves_it_to_the_next(installation: Installation) -> None:
    worker = installation.start_worker()
    first, second = await installation.put(), await installation.put()
    for item_id in (first, second):
        await installation.until_published(item_id)
    components = installation.components

    async def waits_for_lock() -> bool:
        async with components.database.transaction() as session:
            return bool(
                await session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
            )

    async with components.database.transaction() as holding:
        # A slow worker takes its time.
        await holding.execute(text("SET LOCAL idle_in_transaction_session_timeout TO 0"))
        dataset = await items.dataset_of_item(holding, first)
        assert dataset is not None
        await speakers.lock_voices(holding, dataset.library_id)
        label = await enrol(installation, first)
        await until(waits_for_lock, "the worker is about to recognize")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert {each.label: each.name for each in await labels(installation, second)}[label] is None
    installation.start_worker()

    async def recognized() -> bool:
        return any(
            (each.label, each.name, each.how) == (label, "Anna", "matched")
            for each in await labels(installation, second)
        )

    await until(recognized, "the next worker has recognized the voice")
