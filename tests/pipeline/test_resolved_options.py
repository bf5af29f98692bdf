"""The options of a run are resolved when it starts, and all of its stages work by them."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import get_item
from echoic.errors import MediaUnreadable, ModelMissing
from echoic.pipeline.execute import StageExecution
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.stage import ClaimLost, Stage, StageContext, StageOutput, StageTable
from echoic.pipeline.state_machine import Claimed, RunStateMachine
from tests.pipeline.conftest import MAX_ATTEMPTS, Runs


class Saying:
    """The tools of the stages: what a dataset says at present, and what the stages were told."""

    def __init__(self) -> None:
        self.now = "en"
        self.told: list[str] = []


async def _resolve(_: AsyncSession, __: int, asked: Mapping[str, Any], saying: Saying) -> dict[str, Any]:
    if saying.now == "":
        raise MediaUnreadable
    return {"language": asked.get("language") or saying.now}


async def _note(context: StageContext[Saying]) -> StageOutput:
    context.tools.told.append(context.options["language"])
    return StageOutput()


TABLE: StageTable[Saying] = StageTable(
    Stage(name="first", queue="cpu", version=1, run=_note),
    Stage(name="second", queue="cpu", version=1, run=_note),
    Stage(name="third", queue="cpu", version=1, run=_note),
    resolve=_resolve,
)


class Talk:
    """One run, whose stages are worked on by hand."""

    def __init__(self, toy_runs: Runs) -> None:
        self.database = toy_runs.database
        self.toy_runs = toy_runs
        self.machine = RunStateMachine(TABLE, JobQueue(self.database), max_attempts=MAX_ATTEMPTS)
        self.saying = Saying()
        self.run_id = 0
        self.item_id = 0

    async def start(self, **options: Any) -> None:
        self.item_id = await self.toy_runs.item()
        async with self.database.transaction() as session:
            item = await get_item(session, self.item_id)
            assert item is not None
            self.run_id = (await self.machine.start(session, item, options=options)).id

    async def claim(self) -> Claimed:
        run = await self.toy_runs.get(self.run_id)
        async with self.database.transaction() as session:
            claimed = await self.machine.claim(session, run_id=run.id, stage=run.stage, worker="test")
        assert claimed is not None
        return claimed

    async def work(self, claimed: Claimed | None = None) -> None:
        """Run a stage as the child process does."""
        await StageExecution(
            claimed or await self.claim(),
            table=TABLE,
            tools=self.saying,
            database=self.database,
            machine=self.machine,
            stop=asyncio.Event(),
        ).run()

    async def fail(self) -> None:
        claimed = await self.claim()
        async with self.database.transaction() as session:
            await self.machine.fail(session, claimed, ModelMissing(), seconds=0.0)

    async def retry(self, **options: Any) -> None:
        async with self.database.transaction() as session:
            await self.machine.retry(session, self.item_id, options=options)


@pytest.fixture
def talk(toy_runs: Runs) -> Talk:
    return Talk(toy_runs)


async def test_what_the_dataset_says_when_the_run_starts_counts_for_all_stages(talk: Talk) -> None:
    await talk.start()
    talk.saying.now = "de"
    await talk.work()
    talk.saying.now = "fr"
    await talk.work()
    assert talk.saying.told == ["de", "de"]
    run = await talk.toy_runs.get(talk.run_id)
    assert (run.options, run.resolved_options) == ({}, {"language": "de"})


async def test_another_attempt_at_the_first_stage_goes_on_by_the_same_options(talk: Talk) -> None:
    await talk.start()
    claimed = await talk.claim()
    await talk.work(claimed)
    async with talk.database.transaction() as session:
        await session.execute(text("DELETE FROM stage_results"))
        await session.execute(text("UPDATE pipeline_queue SET stage = 'first'"))
    talk.saying.now = "fr"
    await talk.work()
    assert talk.saying.told == ["en", "en"]


async def test_a_run_taken_up_again_starts_with_what_is_said_then(talk: Talk) -> None:
    await talk.start()
    await talk.work()
    await talk.fail()
    talk.saying.now = "de"
    await talk.retry()
    await talk.work()
    await talk.fail()
    await talk.retry(language="fr")
    await talk.work()
    assert talk.saying.told == ["en", "de", "fr"]


async def test_a_run_that_an_older_release_started_is_resolved_at_its_next_stage(talk: Talk) -> None:
    await talk.start(language="de")
    await talk.work()
    async with talk.database.transaction() as session:
        await session.execute(text("UPDATE pipeline_queue SET resolved_options = NULL"))
    await talk.work()
    await talk.work()
    assert talk.saying.told == ["de", "de", "de"]
    assert (await talk.toy_runs.get(talk.run_id)).state == "succeeded"


async def test_a_worker_that_was_overtaken_resolves_nothing(talk: Talk) -> None:
    await talk.start()
    overtaken = await talk.claim()
    await talk.claim()
    with pytest.raises(ClaimLost):
        await talk.work(overtaken)
    assert (await talk.toy_runs.get(talk.run_id)).resolved_options is None


async def test_options_that_cannot_be_resolved_are_a_failure_of_the_stage(talk: Talk) -> None:
    talk.saying.now = ""
    await talk.start()
    with pytest.raises(MediaUnreadable):
        await talk.work()
    assert talk.saying.told == []
