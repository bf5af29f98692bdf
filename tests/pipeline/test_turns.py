"""The order in which jobs are taken, and the cap on decoded audio, on the real queue without workers."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from procrastinate import App
from procrastinate.jobs import Job, Status
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import accounts, minutes
from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.pipeline.queue import JobQueue, make_app
from echoic.pipeline.stage import Stage, StageContext, StageOutput, StageTable
from echoic.pipeline.state_machine import RunStateMachine
from echoic.pipeline.turns import GB, TurnTaking
from echoic.stages import STAGES
from echoic.stages.decode import MAX_VOICES

RATE = 100
"""Bytes that the toy decoding leaves for each second."""
CAP_BYTES = 1000
TIMES = 30


async def _nothing(_: StageContext[None]) -> StageOutput:
    return StageOutput()


TABLE: StageTable[Any] = StageTable(
    Stage(name="decode", queue="cpu", version=1, run=_nothing, leaves_bytes_per_second=RATE),
    Stage(name="transcribe", queue="gpu", version=1, run=_nothing),
    Stage(name="publish", queue="cpu", version=1, run=_nothing),
)


def of_job(job: Job) -> tuple[int, str]:
    """The run's id and the stage."""
    run_id, stage = job.task_kwargs["run_id"], job.task_kwargs["stage"]
    assert isinstance(run_id, int)
    assert isinstance(stage, str)
    return run_id, stage


class Shop:
    """Uploads of several accounts, and one worker that takes their jobs by hand."""

    def __init__(self, database: Database, app: App) -> None:
        self.database = database
        self.app = app
        self.turns = TurnTaking(app.connector, TABLE, decoded_max_gb=CAP_BYTES / GB)
        self.queue = JobQueue(database)
        self.machine = RunStateMachine(TABLE, self.queue, max_attempts=4)
        self.worker_id = 0
        self.names: dict[int, str] = {}
        self._accounts: dict[str, tuple[int, int]] = {}

    async def upload(self, who: str, *, seconds: float = 1.0, priority: int = 100) -> int:
        """Start a run that an account's minutes are charged for; returns the run's id."""
        async with self.database.transaction() as session:
            if who not in self._accounts:
                account = await accounts.create_account(session, name=who, plan="unlimited")
                library = await libraries.create_library(session, slug=who, name=who, owner_account_id=account.id)
                dataset = await libraries.create_dataset(session, library_id=library.id, name=who)
                self._accounts[who] = (account.id, dataset.id)
            account_id, dataset_id = self._accounts[who]
            blob = await items.create_blob(session, key=os.urandom(8).hex(), size_bytes=1, sha256="0")
            item = await items.create_item(
                session, dataset_id=dataset_id, title=who, status="queued", audio_blob_id=blob.id
            )
            run = await self.machine.start(session, item, priority=priority)
            await minutes.reserve(session, run_id=run.id, account_id=account_id, seconds=seconds)
            self.names[run.id] = who
            return run.id

    async def take(self, *queues: str) -> Job | None:
        return await self.turns.fetch_job(queues or ("cpu", "gpu"), self.worker_id)

    async def do(self, *queues: str, decoded_bytes: int = 0) -> tuple[str, str] | None:
        """Take a job and finish its stage; tells whose it was, and which stage."""
        job = await self.take(*queues)
        return None if job is None else await self.finish(job, decoded_bytes=decoded_bytes)

    async def finish(self, job: Job, *, decoded_bytes: int = 0) -> tuple[str, str]:
        run_id, stage = of_job(job)

        async def write(session: AsyncSession) -> None:
            run = await runs.get_run(session, run_id)
            assert run is not None
            item = await items.get_item(session, run.item_id)
            assert item is not None
            if stage == "decode" and decoded_bytes:
                blob = await items.create_blob(session, key=os.urandom(8).hex(), size_bytes=decoded_bytes, sha256="0")
                item.decoded_blob_id = blob.id
            if stage == "publish":
                item.decoded_blob_id = None

        async with self.database.transaction() as session:
            claimed = await self.machine.claim(session, run_id=run_id, stage=stage, worker="test")
            assert claimed is not None
            await self.machine.complete(session, claimed, StageOutput(write=write), seconds=0.0)
        await self.app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
        return self.names[run_id], stage

    async def order(self, count: int = TIMES) -> list[tuple[str, str]]:
        """Finish stages one after the other, at most so many."""
        done: list[tuple[str, str]] = []
        while len(done) < count and (one := await self.do()) is not None:
            done.append(one)
        return done


@pytest.fixture
async def shop(either_database: Database) -> AsyncIterator[Shop]:
    app = make_app(either_database)
    async with app.open_async():
        shop = Shop(either_database, app)
        shop.worker_id = await app.job_manager.register_worker()
        yield shop


async def test_one_upload_does_not_wait_for_the_many_of_another_account(shop: Shop) -> None:
    for _ in range(40):
        await shop.upload("many")
    await shop.order(3)
    await shop.upload("one")
    done = await shop.order(6)
    assert done[0] == ("one", "decode"), "who never had a turn is next"
    assert [stage for who, stage in done if who == "one"] == ["decode", "transcribe", "publish"]


async def test_three_accounts_take_turns_whatever_each_has_waiting(shop: Shop) -> None:
    for who, count in (("a", 9), ("b", 4), ("c", 2)):
        for _ in range(count):
            await shop.upload(who)
    done = [who for who, _ in await shop.order(18)]
    assert [done[start : start + 3] for start in range(0, 18, 3)] == [["a", "b", "c"]] * 6


async def test_a_recording_is_finished_before_the_next_of_its_account_is_begun(shop: Shop) -> None:
    for _ in range(4):
        await shop.upload("a")
    assert [stage for _, stage in await shop.order()] == ["decode", "transcribe", "publish"] * 4


async def test_a_worker_of_one_queue_prefers_later_stages_there(shop: Shop) -> None:
    for _ in range(3):
        await shop.upload("a")
    done = [await shop.do("cpu"), await shop.do("gpu"), await shop.do("cpu"), await shop.do("cpu")]
    assert [one and one[1] for one in done] == ["decode", "transcribe", "publish", "decode"]


async def test_priority_comes_before_turns_and_stages(shop: Shop) -> None:
    for _ in range(2):
        await shop.upload("a")
    await shop.order(2)
    await shop.upload("b", priority=50)
    await shop.upload("a", priority=200)
    done = await shop.order()
    assert done[:3] == [("a", "decode"), ("a", "transcribe"), ("a", "publish")]
    assert done[-3:] == [("b", "decode"), ("b", "transcribe"), ("b", "publish")]


async def test_a_job_that_waits_for_its_next_try_is_passed_over_and_costs_no_turn(shop: Shop) -> None:
    await shop.upload("a")
    job = await shop.take()
    assert job is not None
    later = text(
        "UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = now() + interval '1 hour' WHERE id = :id"
    )
    async with shop.database.transaction() as session:
        await session.execute(later, {"id": job.id})
    await shop.upload("a")
    await shop.upload("b")
    assert await shop.order(4) == [("b", "decode"), ("a", "decode"), ("b", "transcribe"), ("a", "transcribe")]


async def test_of_many_that_take_at_once_each_gets_another_job_and_accounts_stay_even(shop: Shop) -> None:
    for _ in range(8):
        await shop.upload("a", seconds=0.0)
    await shop.upload("b", seconds=0.0)
    jobs = await asyncio.gather(*(shop.take() for _ in range(6)))
    taken = [of_job(job)[0] for job in jobs if job is not None]
    assert len(set(taken)) == 6
    assert "b" in {shop.names[run_id] for run_id in taken}


async def test_a_job_that_another_transaction_holds_is_passed_over(shop: Shop) -> None:
    held, other = await shop.upload("Anna"), await shop.upload("Bea")
    async with shop.database.transaction() as session:
        await session.execute(
            text("SELECT FROM procrastinate_jobs WHERE args ->> 'run_id' = :run_id FOR UPDATE"), {"run_id": str(held)}
        )
        job = await shop.take()
        assert job is not None
        assert of_job(job) == (other, "decode")
        assert await shop.take() is None
    job = await shop.take()
    assert job is not None
    assert of_job(job) == (held, "decode")


async def test_a_chore_takes_its_turn_and_never_two_with_one_lock_at_once(shop: Shop) -> None:
    async with shop.database.transaction() as session:
        await shop.queue.put_chore(session, "look", lock="look 1", library_id=1)
        await shop.queue.put_chore(session, "look", lock="look 1", library_id=1)
    await shop.upload("a")
    jobs = [await shop.take() for _ in range(3)]
    assert sorted(job.task_name for job in jobs if job is not None) == ["echoic.stage", "look"]


async def test_nothing_more_is_decoded_while_too_much_of_it_waits_and_later_stages_go_on(shop: Shop) -> None:
    for _ in range(3):
        await shop.upload("a", seconds=6.0)
    assert await shop.do("cpu", decoded_bytes=600) == ("a", "decode")
    assert await shop.take("cpu") is None, "600 bytes wait, 600 more would be above 1000"
    assert await shop.do("gpu") == ("a", "transcribe")
    assert await shop.do("cpu") == ("a", "publish")
    assert await shop.do("cpu", decoded_bytes=600) == ("a", "decode"), "what was published made room"


async def test_a_decoding_that_may_not_start_uses_up_no_attempt(shop: Shop) -> None:
    await shop.upload("a", seconds=10.0)
    waiting_id = await shop.upload("a", seconds=10.0)
    await shop.do("cpu", decoded_bytes=1000)
    for _ in range(5):
        assert await shop.take("cpu") is None
    async with shop.database.transaction() as session:
        run = await runs.get_run(session, waiting_id)
        assert run is not None
        jobs = list(await shop.app.job_manager.list_jobs_async(id=run.job_id))
    assert (run.attempt, run.state) == (0, "queued")
    assert [(job.attempts, job.status) for job in jobs] == [(0, "todo")]


async def test_a_recording_larger_than_the_cap_is_decoded_when_nothing_else_is(shop: Shop) -> None:
    await shop.upload("a", seconds=5000.0)
    await shop.upload("b", seconds=1.0)
    huge = await shop.take()
    assert huge is not None
    assert await shop.take() is None, "beside it nothing is decoded"
    await shop.finish(huge, decoded_bytes=500_000)
    assert await shop.order() == [
        ("a", "transcribe"),
        ("a", "publish"),
        ("b", "decode"),
        ("b", "transcribe"),
        ("b", "publish"),
    ]


async def test_a_long_recording_is_not_overtaken_for_ever_by_short_ones(shop: Shop) -> None:
    await shop.upload("b", seconds=4.0)
    await shop.do(decoded_bytes=400)
    await shop.upload("a", seconds=9.0)
    for _ in range(5):
        await shop.upload("b", seconds=1.0)
    assert await shop.order(3) == [("b", "transcribe"), ("b", "publish"), ("a", "decode")]


async def test_of_workers_that_race_for_the_last_room_no_more_start_than_fit(shop: Shop) -> None:
    for number in range(8):
        await shop.upload(f"account-{number}", seconds=4.0)
    jobs = await asyncio.gather(*(shop.take() for _ in range(8)))
    assert sum(job is not None for job in jobs) == 2, "two of 400 bytes fit into 1000"


async def test_decoded_audio_left_by_runs_that_begin_again_blocks_nobody(shop: Shop) -> None:
    run_ids = [await shop.upload(who, seconds=20.0) for who in ("a", "b")]
    async with shop.database.transaction() as session:
        for run_id in run_ids:
            run = await runs.get_run(session, run_id)
            assert run is not None
            blob = await items.create_blob(session, key=os.urandom(8).hex(), size_bytes=2000, sha256="0")
            item = await items.get_item(session, run.item_id)
            assert item is not None
            item.decoded_blob_id = blob.id
    assert len(await shop.order()) == 6


async def test_what_waits_is_counted_for_runs_under_way_only(shop: Shop) -> None:
    ended_id = await shop.upload("a", seconds=10.0)
    await shop.do(decoded_bytes=1000)
    await shop.upload("b", seconds=10.0)
    async with shop.database.transaction() as session:
        run = await runs.get_run(session, ended_id)
        assert run is not None
        await shop.machine.cancel(session, run.item_id)
    assert await shop.do("cpu") == ("b", "decode")


def test_what_decoding_leaves_at_most_is_the_mix_and_every_voice_apart() -> None:
    assert STAGES.capped is not None
    assert (STAGES.capped.name, STAGES.capped.leaves_bytes_per_second) == ("decode", (1 + MAX_VOICES) * 32_000)


def test_a_table_has_one_stage_at_most_that_leaves_bytes() -> None:
    stages = [Stage(name=name, queue="cpu", version=1, run=_nothing, leaves_bytes_per_second=1) for name in ("a", "b")]
    with pytest.raises(ValueError, match="leave bytes"):
        StageTable(*stages)
