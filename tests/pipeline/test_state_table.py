"""The table in the docstring of the state machine, walked cell by cell and at random."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st
from sqlalchemy import func, select

from echoic.db.items.items import Item, get_item
from echoic.db.runs import runs
from echoic.db.runs.item_state import ItemState, state_of
from echoic.db.runs.runs import PipelineRun
from echoic.errors import MediaUnreadable, RunActive, RunNotActive, StorageUnavailable
from echoic.pipeline import state_machine
from echoic.pipeline.retry import losses_allowed
from echoic.pipeline.stage import CancelRequested, ClaimLost, StageOutput
from echoic.pipeline.state_machine import Claimed, RunStateMachine
from tests.pipeline.conftest import MAX_ATTEMPTS, REPOSITORY, Runs
from tests.pipeline.toy import TABLE

NO_RUN, ANY_OTHER, NOTHING = "no run", "any other state", "-"
REFUSALS = (RunActive, RunNotActive, ClaimLost, CancelRequested)
STAGES = [stage.name for stage in TABLE]
LAST, OPTIONAL = "three", "extra"
MAX_LOSSES = losses_allowed(MAX_ATTEMPTS)

Cells = Mapping[str, Mapping[str, str]]


def drawn_tables() -> list[list[str]]:
    """The lines of the tables in the docstring."""
    blocks = (state_machine.__doc__ or "").split("\n\n")
    return [[line.strip() for line in block.splitlines()] for block in blocks if "---|---" in block]


def cells(lines: list[str]) -> Cells:
    """The cells of a table, by the head of their row and of their column."""
    head, _, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


OF_STATES, OF_ENDS = map(cells, drawn_tables())
STATUS = "item's status"
ASKED = [event for event in OF_STATES[NO_RUN] if event != STATUS]
EVENTS = [*ASKED, *OF_ENDS]
STATES = list(OF_STATES)


def drawn(state: str, event: str) -> str:
    """What the tables say of an event in a state."""
    if event in ASKED:
        return OF_STATES[state][event]
    return OF_ENDS[event].get(state, OF_ENDS[event][ANY_OTHER])


class Case:
    """One item, with what is needed to let anything happen to it."""

    def __init__(self, toy_runs: Runs, item_id: int) -> None:
        self._runs = toy_runs
        self._machine: RunStateMachine = toy_runs.machine
        self.item_id = item_id
        self.claimed: list[Claimed] = []
        """All stages that were ever taken; only the last can still be held."""

    async def run(self) -> PipelineRun | None:
        async with self._runs.database.transaction() as session:
            return await runs.newest_run(session, self.item_id)

    async def item(self) -> Item:
        async with self._runs.database.transaction() as session:
            item = await get_item(session, self.item_id)
            assert item is not None
            return item

    async def state(self) -> str:
        """The state of the newest run, by its name in the tables."""
        run = await self.run()
        if run is None:
            return NO_RUN
        if run.state != "running":
            assert run.claim is None
            return run.state
        if run.claim is None:
            assert not run.cancel_requested, "nobody would notice it"
            return "waiting"
        return "cancelling" if run.cancel_requested else "claimed"

    async def happen(self, event: str, *, holder: int = -1) -> str:
        """Let an event happen; returns the state after it, the name of the refusal, or ``-`` for nothing."""
        before = await self.state()
        try:
            did = await self._acts[event](self, holder)
        except REFUSALS as refusal:
            assert await self.state() == before, "a refusal changes nothing"
            return type(refusal).__name__
        if did is None:
            after = await self.state()
            return after if after != before else NOTHING
        return await self.state()

    async def _start(self, _: int) -> object:
        async with self._runs.database.transaction() as session:
            item = await get_item(session, self.item_id)
            assert item is not None
            return await self._machine.start(session, item)

    async def _retry(self, _: int) -> object:
        async with self._runs.database.transaction() as session:
            return await self._machine.retry(session, self.item_id)

    async def _cancel(self, _: int) -> object:
        async with self._runs.database.transaction() as session:
            return await self._machine.cancel(session, self.item_id)

    async def _claim(self, _: int) -> object:
        run = await self.run()
        run_id, stage = (run.id, run.stage) if run is not None else (0, STAGES[0])
        async with self._runs.database.transaction() as session:
            claimed = await self._machine.claim(session, run_id=run_id, stage=stage, worker="test")
        if claimed is not None:
            self.claimed.append(claimed)
        return claimed

    async def _complete(self, holder: int) -> object:
        async with self._runs.database.transaction() as session:
            await self._machine.complete(session, self._holder(holder), StageOutput(), seconds=0.0)
        return True

    async def _fail(self, holder: int) -> object:
        async with self._runs.database.transaction() as session:
            await self._machine.fail(session, self._holder(holder), MediaUnreadable(), seconds=0.0)
        return True

    async def _retry_later(self, holder: int) -> object:
        async with self._runs.database.transaction() as session:
            await self._machine.retry_later(session, self._holder(holder), StorageUnavailable(), seconds=0.0)
        return True

    async def _lose(self, holder: int) -> object:
        async with self._runs.database.transaction() as session:
            await self._machine.lose(session, self._holder(holder))
        return True

    async def _release(self, holder: int) -> object:
        async with self._runs.database.transaction() as session:
            await self._machine.release(session, self._holder(holder))
        return True

    async def _end_cancelled(self, holder: int) -> object:
        async with self._runs.database.transaction() as session:
            await self._machine.end_cancelled(session, self._holder(holder))
        return True

    def _holder(self, which: int) -> Claimed:
        if self.claimed:
            return self.claimed[which % len(self.claimed) if which >= 0 else -1]
        return Claimed(run_id=0, item_id=self.item_id, stage=STAGES[0], claim=uuid.uuid4(), attempt=1)

    _acts: Mapping[str, Callable[["Case", int], Awaitable[object]]] = {
        "start": _start,
        "retry": _retry,
        "cancel": _cancel,
        "claim": _claim,
        "complete": _complete,
        "complete last": _complete,
        "fail": _fail,
        "fail optional": _fail,
        "retry_later": _retry_later,
        "lose": _lose,
        "release": _release,
        "end_cancelled": _end_cancelled,
    }

    async def shown(self) -> ItemState:
        """What the item's row says."""
        item = await self.item()
        return ItemState(
            status=item.status,
            error_code=item.error_code,
            error_stage=item.error_stage,
            error_message=item.error_message,
        )

    async def check_shown(self) -> None:
        """Require that the item's row is the projection of its newest run, and what the tables say of its status."""
        shown = await self.shown()
        async with self._runs.database.transaction() as session:
            run = await runs.newest_run(session, self.item_id)
            results = await runs.list_results(session, run.id) if run is not None else []
            succeeded = await session.scalar(
                select(func.count()).where(PipelineRun.item_id == self.item_id, PipelineRun.state == "succeeded")
            )
        left_out = [result for result in results if result.outcome == "failed"]
        assert shown == state_of(run, left_out[-1] if left_out else None, published=bool(succeeded))
        assert shown.status == ("published" if succeeded else OF_STATES[await self.state()][STATUS])
        assert ((await self.item()).published_at is not None) == bool(succeeded)


async def reach(toy_runs: Runs, state: str, *, at: str = "one") -> Case:
    """A new item whose run is in a state, at a stage where it is one that stages are in."""
    case = Case(toy_runs, await toy_runs.item())
    ways = {
        NO_RUN: [],
        "queued": ["start"],
        "waiting": ["start", "claim", "complete"],
        "claimed": ["start", *["claim", "complete"] * STAGES.index(at), "claim"],
        "cancelling": ["start", *["claim", "complete"] * STAGES.index(at), "claim", "cancel"],
        "succeeded": ["start", *["claim", "complete"] * len(STAGES)],
        "failed": ["start", "claim", "fail"],
        "cancelled": ["start", "claim", "cancel", "end_cancelled"],
    }
    for event in ways[state]:
        await case.happen(event)
    assert await case.state() == state
    return case


def test_the_tables_stand_in_the_architecture_too() -> None:
    page = (Path(REPOSITORY) / "docs" / "architecture.md").read_text(encoding="utf-8")
    for lines in drawn_tables():
        assert "\n".join(lines) in page


@pytest.mark.parametrize("state", STATES)
async def test_every_event_in_every_state_does_what_the_tables_say(toy_runs: Runs, state: str) -> None:
    for event in EVENTS:
        at = {"complete last": LAST, "fail optional": OPTIONAL}.get(event, "one")
        case = await reach(toy_runs, state, at=at)
        await case.check_shown()
        before = await case.shown()
        found = await case.happen(event)
        assert found == drawn(state, event), event
        await case.check_shown()
        shown = await case.shown()
        if found not in STATES:
            assert shown == before, event
        elif found == "failed":
            assert (shown.error_code, shown.error_stage) == ("media_unreadable", "one"), event
        elif event == "fail optional":
            assert (shown.error_code, shown.error_stage) == ("media_unreadable", OPTIONAL), event
        else:
            assert shown.error_code is shown.error_stage is shown.error_message is None, event


def as_drawn(event: str, stage: str) -> str:
    """The row of the tables for an event that happens at a stage."""
    if event == "complete" and stage == LAST:
        return "complete last"
    return "fail optional" if event == "fail" and stage == OPTIONAL else event


HAPPENINGS = [event for event in EVENTS if " " not in event]
WELL = ["claim", "complete"] * len(STAGES)


def each(*events: str) -> list[tuple[str, int]]:
    """Events by whoever holds the stage."""
    return [(event, -1) for event in events]


@example(done=each("start", *WELL, "start", "claim", "fail", "retry", "cancel", "start", *WELL))
@example(done=each("start", *WELL[:4], "claim", "fail", "claim", "fail", "retry", "claim", "complete", "start"))
@example(done=each("start", *WELL[:4], "claim", "cancel", "fail", "retry", "claim", "complete"))
@example(done=each("start", *["claim"] * (MAX_LOSSES + 1), "retry", *["claim", "lose"] * MAX_LOSSES, "claim"))
@given(
    done=st.lists(
        st.tuples(
            st.sampled_from([*HAPPENINGS, *["start", "claim", "complete", "fail"] * 3]),
            st.sampled_from([-1, -1, -1, 0, 1, 2]),
        ),
        min_size=6,
        max_size=24,
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_after_whatever_happens_the_item_says_where_its_newest_run_stands(
    toy_runs: Runs, done: list[tuple[str, int]]
) -> None:
    case = Case(toy_runs, await toy_runs.item())
    for event, holder in done:
        state, run = await case.state(), await case.run()
        wanted = drawn(state, as_drawn(event, run.stage if run is not None else STAGES[0]))
        is_overtaken = case.claimed and holder >= 0 and holder % len(case.claimed) != len(case.claimed) - 1
        if event in OF_ENDS and is_overtaken:
            wanted = ClaimLost.__name__
        elif (
            run is not None
            and wanted not in (NOTHING, ClaimLost.__name__)
            and await _loses_too_often(toy_runs, run, event)
        ):
            wanted = drawn(state, as_drawn("fail", run.stage))
        assert await case.happen(event, holder=holder) == wanted, (state, event)
        await case.check_shown()


async def _loses_too_often(toy_runs: Runs, run: PipelineRun, event: str) -> bool:
    """Whether an event is the loss of a worker with which the stage has lost too many."""
    if event != "lose" and not (event == "claim" and run.claim is not None and not run.cancel_requested):
        return False
    async with toy_runs.database.transaction() as session:
        return await runs.count_lost(session, run) + 1 >= MAX_LOSSES
