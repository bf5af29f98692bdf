"""RunStateMachine of a run that come at unlucky moments, without a worker."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items import items
from echoic.db.items.shown_items import notices_of
from echoic.db.runs import held_jobs, runs
from echoic.db.runs.held_jobs import HeldJob
from echoic.errors import EchoicError, MediaUnreadable, ModelMissing, StageCrashed, StorageUnavailable
from echoic.notices import Notice
from echoic.pipeline.retry import losses_allowed
from echoic.pipeline.stage import StageOutput
from echoic.pipeline.state_machine import Claimed, RunStateMachine
from tests.pipeline.conftest import MAX_ATTEMPTS, Runs

MAX_LOSSES = losses_allowed(MAX_ATTEMPTS)


@pytest.fixture
def machine(toy_runs: Runs) -> RunStateMachine:
    return toy_runs.machine


async def claim(toy_runs: Runs, machine: RunStateMachine, run_id: int, stage: str = "one") -> Claimed | None:
    async with toy_runs.database.transaction() as session:
        return await machine.claim(session, run_id=run_id, stage=stage, worker="test")


async def end(
    toy_runs: Runs, machine: RunStateMachine, run_id: int, stage: str, error: EchoicError | None = None
) -> None:
    """Work on a stage until it is done, or fails for good."""
    claimed = await claim(toy_runs, machine, run_id, stage)
    assert claimed is not None
    async with toy_runs.database.transaction() as session:
        if error is None:
            await machine.complete(session, claimed, StageOutput(), seconds=0.0)
        else:
            await machine.fail(session, claimed, error, seconds=0.0)


async def lose_workers(
    toy_runs: Runs, machine: RunStateMachine, run_id: int, *, count: int, stage: str = "one"
) -> None:
    for number in range(count + 1):
        assert await claim(toy_runs, machine, run_id, stage), f"{number} workers were lost"


async def test_lost_workers_are_no_failures_of_the_stage_until_there_are_very_many(
    toy_runs: Runs, machine: RunStateMachine
) -> None:
    run_id = await toy_runs.start()
    await lose_workers(toy_runs, machine, run_id, count=MAX_LOSSES - 1)
    assert await claim(toy_runs, machine, run_id) is None
    run = await toy_runs.get(run_id)
    assert (run.state, run.error_code, run.error_stage) == ("failed", "workers_lost", "one")
    assert run.error_message is not None
    assert run.error_message.startswith(f"{MAX_LOSSES} workers in a row went away while they ran the stage 'one'")

    async with toy_runs.database.transaction() as session:
        await toy_runs.machine.retry(session, run.item_id)
    await lose_workers(toy_runs, machine, run_id, count=MAX_LOSSES - 1)


async def test_failures_are_counted_apart_from_lost_workers(toy_runs: Runs, machine: RunStateMachine) -> None:
    run_id = await toy_runs.start()
    await lose_workers(toy_runs, machine, run_id, count=MAX_ATTEMPTS)
    claimed = await claim(toy_runs, machine, run_id)
    assert claimed is not None
    assert await earlier_failures(toy_runs, machine, claimed) == {}
    for error in (StageCrashed(), StorageUnavailable(), StageCrashed()):
        async with toy_runs.database.transaction() as session:
            await machine.retry_later(session, claimed, error, seconds=0.0)
        claimed = await claim(toy_runs, machine, run_id)
        assert claimed is not None
    assert await earlier_failures(toy_runs, machine, claimed) == {"stage_crashed": 2, "storage_unavailable": 1}


async def earlier_failures(toy_runs: Runs, machine: RunStateMachine, claimed: Claimed) -> dict[str, int]:
    async with toy_runs.database.transaction() as session:
        return await machine.earlier_failures(session, claimed)


async def test_a_stage_that_gets_on_between_losses_may_lose_any_number_of_workers(
    toy_runs: Runs, machine: RunStateMachine
) -> None:
    run_id = await toy_runs.start()
    for part in range(3):
        await lose_workers(toy_runs, machine, run_id, count=MAX_LOSSES - 2)
        async with toy_runs.database.transaction() as session:
            await runs.save_checkpoint(session, run_id=run_id, stage="one", part=part, payload={})
    assert (await toy_runs.get(run_id)).state == "running"


async def test_a_run_goes_on_without_an_optional_stage_that_nobody_survives(
    toy_runs: Runs, machine: RunStateMachine
) -> None:
    run_id = await toy_runs.start()
    for stage in ("one", "two"):
        await end(toy_runs, machine, run_id, stage)
    await lose_workers(toy_runs, machine, run_id, count=MAX_LOSSES - 1, stage="extra")
    assert await claim(toy_runs, machine, run_id, "extra") is None
    run = await toy_runs.get(run_id)
    assert (run.state, run.stage, run.claim) == ("running", "three", None)


async def test_a_child_that_ended_with_the_database_is_a_loss_and_gives_the_stage_back(
    toy_runs: Runs, machine: RunStateMachine
) -> None:
    run_id = await toy_runs.start()
    claimed = await claim(toy_runs, machine, run_id)
    assert claimed is not None
    async with toy_runs.database.transaction() as session:
        await machine.lose(session, claimed)
    assert (await toy_runs.get(run_id)).claim is None
    assert [event for _, event in await toy_runs.events(run_id)] == ["queued", "claimed", "lost"]
    claimed = await claim(toy_runs, machine, run_id)
    assert claimed is not None
    assert await earlier_failures(toy_runs, machine, claimed) == {}


async def test_a_job_that_was_taken_away_or_replaced_gives_no_claim(toy_runs: Runs, machine: RunStateMachine) -> None:
    run_id = await toy_runs.start()
    job_id = (await toy_runs.get(run_id)).job_id
    assert job_id is not None
    async with toy_runs.database.transaction() as session:
        for worker_id in (1, 2):
            await held_jobs.beat(session, worker_id)
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = 2, attempts = 1"))
    holder = HeldJob(id=job_id, worker_id=2, attempts=1)
    for other in (
        replace(holder, worker_id=1),
        replace(holder, attempts=0),
        replace(holder, id=job_id + 1),
    ):
        async with toy_runs.database.transaction() as session:
            assert await machine.claim(session, run_id=run_id, stage="one", worker="x", job=other) is None
    async with toy_runs.database.transaction() as session:
        assert await machine.claim(session, run_id=run_id, stage="one", worker="x", job=holder)


async def test_a_cancel_does_not_wait_for_the_next_attempt_of_a_stage_that_fails_meanwhile(
    toy_runs: Runs, machine: RunStateMachine
) -> None:
    run_id = await toy_runs.start()
    claimed = await claim(toy_runs, machine, run_id)
    assert claimed is not None
    async with toy_runs.database.transaction() as session:
        await toy_runs.machine.cancel(session, claimed.item_id)
    async with toy_runs.database.transaction() as session:
        await machine.retry_later(session, claimed, StorageUnavailable(), seconds=0.0)
        item = await items.get_item(session, claimed.item_id)
    assert (await toy_runs.get(run_id)).state == "cancelled"
    assert item is not None
    assert item.status == "cancelled"
    assert await claim(toy_runs, machine, run_id) is None


async def test_an_item_taken_up_again_still_says_what_an_optional_stage_left_out(
    toy_runs: Runs, machine: RunStateMachine
) -> None:
    run_id = await toy_runs.start()
    item_id = (await toy_runs.get(run_id)).item_id
    for stage in ("one", "two"):
        await end(toy_runs, machine, run_id, stage)
    await end(toy_runs, machine, run_id, "extra", MediaUnreadable())
    await end(toy_runs, machine, run_id, "three", ModelMissing())
    async with toy_runs.database.transaction() as session:
        await toy_runs.machine.retry(session, item_id)
    await end(toy_runs, machine, run_id, "three")
    async with toy_runs.database.transaction() as session:
        item = await items.get_item(session, item_id)
    assert item is not None
    assert (item.error_code, item.error_stage) == ("media_unreadable", "extra")
    async with toy_runs.database.transaction() as session:
        (notice,) = await notices_of(session, item_id)
    assert (notice["code"], notice["detail"]) == ("stage_left_out", {"stage": "extra", "error": "media_unreadable"})


async def test_notices_of_stages_and_of_what_they_write_are_kept_in_the_order_of_the_stages(
    toy_runs: Runs, machine: RunStateMachine
) -> None:
    run_id = await toy_runs.start()
    item_id = (await toy_runs.get(run_id)).item_id

    def notice(number: int) -> Notice:
        return Notice(code="tracks_left_out", message=f"Track {number}.", detail={"track": number})

    async def write(_: AsyncSession) -> list[Notice]:
        return [notice(2)]

    outputs = {"one": StageOutput(notices=[notice(1)], write=write), "two": StageOutput(notices=[notice(3)])}
    for stage, output in outputs.items():
        claimed = await claim(toy_runs, machine, run_id, stage)
        assert claimed is not None
        async with toy_runs.database.transaction() as session:
            await machine.complete(session, claimed, output, seconds=0.0)
    async with toy_runs.database.transaction() as session:
        assert await notices_of(session, item_id) == [notice(number).to_object() for number in (1, 2, 3)]
