"""Loops that go on beside the work of a process for as long as it lives. None of them ends at an error.

A round that fails is logged and counted, and the next one comes after a wait that grows with every further failure.
What a loop does, and how often, is up to those who hand it in.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from echoic.errors import EchoicError
from echoic.logs import get_logger

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 300.0
KEEPS_FAILING_ROUNDS = 3
"""The number of failures in a row from which a loop counts as failing."""

Round: TypeAlias = Callable[[], Awaitable[object]]

logger = get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class LoopState:
    """The state of a loop."""

    failures: int = 0
    failed_in_a_row: int = 0
    error: str | None = None
    """The error of the last round, in one line; None where it went well."""
    told: bool = False
    """True once this state has been handed to the listener."""


Teller: TypeAlias = Callable[[str, LoopState], Awaitable[None]]
"""Is told a loop's name and state at the end of its first round, and after each round that fails or is the first to succeed
again. What it cannot take now it is told again after the next round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loop:
    name: str
    do: Round
    every_seconds: float
    longest_wait_seconds: float
    busy: bool
    state: LoopState = field(default_factory=LoopState)

    def wait_seconds(self, result: object = None) -> float:
        failed = self.state.failed_in_a_row
        if failed:
            return min(FIRST_WAIT_SECONDS * 2.0 ** min(failed - 1, 20), self.longest_wait_seconds)
        return 0.0 if self.busy and result else self.every_seconds


class Upkeep:
    """The loops of one process."""

    def __init__(self, tell: Teller | None = None) -> None:
        self._tell = tell
        self._loops: list[_Loop] = []

    def add(
        self,
        name: str,
        do: Round,
        *,
        every_seconds: float,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
        busy: bool = False,
    ) -> None:
        """Have ``do`` called at once, and again so many seconds after each end; after failures at most so much later.

        A loop that is ``busy`` goes on without a wait as long as its rounds return something true: there is more to do.
        """
        loop = _Loop(
            name=name, do=do, every_seconds=every_seconds, longest_wait_seconds=longest_wait_seconds, busy=busy
        )
        self._loops.append(loop)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Run all loops until the block ends."""
        tasks = [asyncio.create_task(self._keep(loop), name=loop.name) for loop in self._loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, loop: _Loop) -> None:
        while True:
            work = asyncio.ensure_future(loop.do())
            error = await _end_of(work)
            _note(loop, error)
            if self._tell is not None and not loop.state.told:
                trouble = await _end_of(asyncio.ensure_future(self._tell(loop.name, loop.state)))
                loop.state.told = trouble is None
                if trouble is not None:
                    logger.warning("loop_state_not_told", loop=loop.name, exc_info=_traceback_of(trouble))
            await asyncio.sleep(loop.wait_seconds(work.result() if error is None else None))


async def _end_of(work: "asyncio.Future[object] | asyncio.Future[None]") -> BaseException | None:
    """Return the exception that ended the work. It is asked for, not awaited, so that it ends nothing else."""
    try:
        await asyncio.wait({work})
    except asyncio.CancelledError:
        work.cancel()
        await asyncio.wait({work})
        raise
    return asyncio.CancelledError("cancelled from within") if work.cancelled() else work.exception()


def _note(loop: _Loop, error: BaseException | None) -> None:
    state = loop.state
    if error is None:
        if state.failed_in_a_row:
            logger.info("loop_recovered", loop=loop.name, failures=state.failed_in_a_row)
            state.failed_in_a_row, state.error, state.told = 0, None, False
        return
    state.failures += 1
    state.failed_in_a_row += 1
    state.error = error.message if isinstance(error, EchoicError) else type(error).__name__
    state.told = False
    log = logger.error if state.failed_in_a_row >= KEEPS_FAILING_ROUNDS else logger.warning
    log(
        "loop_failed",
        loop=loop.name,
        error=state.error,
        failed_in_a_row=state.failed_in_a_row,
        again_in_seconds=loop.wait_seconds(),
        exc_info=_traceback_of(error),
    )


def _traceback_of(error: BaseException) -> BaseException | None:
    """Return the error, for its traceback; None for an error of ours, whose message says enough."""
    return None if isinstance(error, EchoicError) else error
