"""Minutes with the real stages: what a file claims is reserved, what was really there is paid for."""

import pytest

from echoic.db.accounts import minutes
from echoic.db.items import items
from echoic.db.runs import runs
from tests.acceptance.conftest import Installation

pytestmark = pytest.mark.processes

CLAIMED_SECONDS = 1.0


async def test_a_published_recording_costs_its_true_length(installation: Installation) -> None:
    item_id = await installation.put()
    async with installation.components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        await minutes.reserve(session, run_id=run.id, account_id=1, seconds=CLAIMED_SECONDS)
    installation.start_worker(hold="decode")
    await installation.until_held()
    async with installation.components.database.transaction() as session:
        assert (await minutes.usage(session, 1)).reserved_seconds == CLAIMED_SECONDS
    installation.release()
    await installation.until_published(item_id)
    async with installation.components.database.transaction() as session:
        usage = await minutes.usage(session, 1)
        item = await items.get_item(session, item_id)
    assert item is not None
    assert item.duration_seconds is not None
    assert item.duration_seconds > CLAIMED_SECONDS
    assert (usage.used_seconds, usage.reserved_seconds) == (item.duration_seconds, 0.0)
