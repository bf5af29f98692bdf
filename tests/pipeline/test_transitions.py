"""Transitions of a run that come at unlucky moments, without a worker."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import items
from echoic.db.shown_items import notices_of
from echoic.errors import EchoicError, MediaUnreadable, ModelMissing, StorageUnavailable
from echoic.notices import Notice
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.stage import StageOutput
from echoic.pipeline.transitions import Claimed, Transitions
from tests.pipeline.conftest import Runs
from tests.pipeline.toy import TABLE

MAX_ATTEMPTS = 3


@pytest.fixture
def transitions(toy_runs: Runs) -> Transitions:
    return Transitions(TABLE, JobQueue(toy_runs.database.url), max_attempts=MAX_ATTEMPTS)


async def claim(toy_runs: Runs, transitions: Transitions, run_id: int, stage: str = "one") -> Claimed | None:
    async with toy_runs.database.transaction() as session:
        return await transitions.claim(session, run_id=run_id, stage=stage, worker="test")


async def end(
    toy_runs: Runs, transitions: Transitions, run_id: int, stage: str, error: EchoicError | None = None
) -> None:
    """Work on a stage until it is done, or fails for good."""
    claimed = await claim(toy_runs, transitions, run_id, stage)
    assert claimed is not None
    async with toy_runs.database.transaction() as session:
        if error is None:
            await transitions.complete(session, claimed, StageOutput(), seconds=0.0)
        else:
            await transitions.fail(session, claimed, error, seconds=0.0)


async def test_an_outage_that_was_waited_for_does_not_make_the_next_killed_worker_the_last(
    toy_runs: Runs, transitions: Transitions
) -> None:
    run_id = await toy_runs.start()
    for _ in range(MAX_ATTEMPTS + 1):
        claimed = await claim(toy_runs, transitions, run_id)
        assert claimed is not None
        async with toy_runs.database.transaction() as session:
            await transitions.retry_later(session, claimed, StorageUnavailable(), seconds=0.0)

    for _ in range(MAX_ATTEMPTS):
        assert await claim(toy_runs, transitions, run_id), "who claimed it before fell silent"
    assert await claim(toy_runs, transitions, run_id) is None
    run = await toy_runs.get(run_id)
    assert (run.state, run.error_code) == ("failed", "stage_crashed")
    assert run.error_message == f"The stage 'one' ended {MAX_ATTEMPTS} workers without a word."

    async with toy_runs.database.transaction() as session:
        await toy_runs.control.retry(session, run.item_id)
    for _ in range(MAX_ATTEMPTS):
        assert await claim(toy_runs, transitions, run_id), "taken up again, it is counted anew"


async def test_a_cancel_does_not_wait_for_the_next_attempt_of_a_stage_that_fails_meanwhile(
    toy_runs: Runs, transitions: Transitions
) -> None:
    run_id = await toy_runs.start()
    claimed = await claim(toy_runs, transitions, run_id)
    assert claimed is not None
    async with toy_runs.database.transaction() as session:
        await toy_runs.control.cancel(session, claimed.item_id)
    async with toy_runs.database.transaction() as session:
        await transitions.retry_later(session, claimed, StorageUnavailable(), seconds=0.0)
        item = await items.get_item(session, claimed.item_id)
    assert (await toy_runs.get(run_id)).state == "cancelled"
    assert item is not None
    assert item.status == "cancelled"
    assert await claim(toy_runs, transitions, run_id) is None


async def test_an_item_taken_up_again_still_says_what_an_optional_stage_left_out(
    toy_runs: Runs, transitions: Transitions
) -> None:
    run_id = await toy_runs.start()
    item_id = (await toy_runs.get(run_id)).item_id
    for stage in ("one", "two"):
        await end(toy_runs, transitions, run_id, stage)
    await end(toy_runs, transitions, run_id, "extra", MediaUnreadable())
    await end(toy_runs, transitions, run_id, "three", ModelMissing())
    async with toy_runs.database.transaction() as session:
        await toy_runs.control.retry(session, item_id)
    await end(toy_runs, transitions, run_id, "three")
    async with toy_runs.database.transaction() as session:
        item = await items.get_item(session, item_id)
    assert item is not None
    assert (item.error_code, item.error_stage) == ("media_unreadable", "extra")
    async with toy_runs.database.transaction() as session:
        (notice,) = await notices_of(session, item_id)
    assert (notice["code"], notice["detail"]) == ("stage_left_out", {"stage": "extra", "error": "media_unreadable"})


async def test_notices_of_stages_and_of_what_they_write_are_kept_in_the_order_of_the_stages(
    toy_runs: Runs, transitions: Transitions
) -> None:
    run_id = await toy_runs.start()
    item_id = (await toy_runs.get(run_id)).item_id

    def notice(number: int) -> Notice:
        return Notice(code="tracks_left_out", message=f"Track {number}.", detail={"track": number})

    async def write(_: AsyncSession) -> list[Notice]:
        return [notice(2)]

    outputs = {"one": StageOutput(notices=[notice(1)], write=write), "two": StageOutput(notices=[notice(3)])}
    for stage, output in outputs.items():
        claimed = await claim(toy_runs, transitions, run_id, stage)
        assert claimed is not None
        async with toy_runs.database.transaction() as session:
            await transitions.complete(session, claimed, output, seconds=0.0)
    async with toy_runs.database.transaction() as session:
        assert await notices_of(session, item_id) == [notice(number).to_object() for number in (1, 2, 3)]
