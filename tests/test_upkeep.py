"""Loops in the background: no error ends one, waits grow, and who asks is told how each is doing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from echoic import upkeep as module
from echoic.errors import DatabaseUnavailable
from echoic.upkeep import LoopState, Upkeep
from tests.waiting import until

NEVER_SECONDS = 3600.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_SECONDS", 0.001)


class Rounds:
    """A loop whose rounds end as they are told to, and then well."""

    def __init__(self, *ends: Callable[[], object]) -> None:
        self._ends: Iterator[Callable[[], object]] = iter(ends)
        self.done = 0

    async def __call__(self) -> object:
        end = next(self._ends, lambda: None)
        self.done += 1
        return end()


class Told:
    """Keeps what it is told of the loops."""

    def __init__(self) -> None:
        self.states: list[LoopState] = []
        self.away = False

    async def __call__(self, name: str, state: LoopState) -> None:
        if self.away:
            raise DatabaseUnavailable
        self.states.append(replace(state))

    def in_a_row(self) -> list[int]:
        return [state.failed_in_a_row for state in self.states]


def raising(error: BaseException) -> Callable[[], object]:
    def end() -> object:
        raise error

    return end


async def keep_until(
    condition: Callable[[], bool], rounds: Callable[[], Awaitable[object]], told: Told, *, every_seconds: float = 0.001
) -> None:
    async def reached() -> bool:
        return condition()

    upkeep = Upkeep(told)
    upkeep.add("sweep", rounds, every_seconds=every_seconds)
    async with upkeep.kept():
        await until(reached, "the loop has got so far")


@pytest.mark.parametrize(
    "errors",
    [
        [KeyError("x")],
        [DatabaseUnavailable(), MemoryError(), OSError(28, "No space left on device")],
        [asyncio.CancelledError()],
        [BaseExceptionGroup("two", [asyncio.CancelledError(), ValueError("x")])],
    ],
)
async def test_no_error_ends_a_loop(errors: Sequence[BaseException]) -> None:
    told, rounds = Told(), Rounds(*map(raising, errors))
    await keep_until(lambda: rounds.done > len(errors) + 2, rounds, told)
    assert told.in_a_row() == [*range(1, len(errors) + 1), 0]
    assert told.states[-1].failures == len(errors)
    assert told.states[-1].error is None


async def test_waits_grow_with_every_failure_up_to_the_longest_and_are_over_with_the_first_success(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note_and_sleep(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0.001)

    monkeypatch.setattr(module, "FIRST_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(asyncio, "sleep", note_and_sleep)
    upkeep = Upkeep()
    upkeep.add("x", Rounds(*[raising(ValueError())] * 5), every_seconds=600.0, longest_wait_seconds=10.0)
    async with upkeep.kept():
        while len(waits) < 7:
            await sleep(0.001)
    assert waits[:7] == [1.0, 2.0, 4.0, 8.0, 10.0, 600.0, 600.0]


async def test_a_busy_loop_goes_on_at_once_while_there_is_more() -> None:
    rounds = Rounds(lambda: 64, lambda: 3, lambda: 0)
    upkeep = Upkeep()
    upkeep.add("x", rounds, every_seconds=NEVER_SECONDS, busy=True)

    async def done() -> bool:
        return rounds.done == 3

    async with upkeep.kept():
        await until(done, "three rounds are done")


async def test_what_could_not_be_told_is_told_after_the_next_round() -> None:
    told, rounds = Told(), Rounds(raising(ValueError()))
    told.away = True
    upkeep = Upkeep(told)
    upkeep.add("x", rounds, every_seconds=0.001)

    async def tried() -> bool:
        return rounds.done > 3

    async def is_told() -> bool:
        return bool(told.states)

    async with upkeep.kept():
        await until(tried, "rounds go on")
        told.away = False
        await until(is_told, "it is told")
    assert (told.states[0].failures, told.states[0].failed_in_a_row) == (1, 0)


async def test_the_end_of_the_process_ends_a_round_under_way() -> None:
    ended: list[str] = []

    async def round_without_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    upkeep = Upkeep()
    upkeep.add("x", round_without_end, every_seconds=NEVER_SECONDS)
    async with upkeep.kept():
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert ended == ["ended"]
