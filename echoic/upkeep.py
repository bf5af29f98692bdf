"""Loops that go on beside the work of a process for as long as it lives. None of them ends at an error.

A round that fails is logged and counted, and the next one comes after a wait that grows with every further failure.
What a loop does, and how often, is up to those who hand it in.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from echoic.errors import EchoicError, Unavailable
from echoic.logs import get_logger

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 300.0
KEEPS_FAILING_ROUNDS = 3
"""So many failures in a row are no hiccup any more."""

Round: TypeAlias = Callable[[], Awaitable[object]]
"""One round of a loop; a true value says that more is waiting, and the next round comes at once."""

logger = get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class LoopState:
    """How a loop is doing."""

    rounds: int = 0
    failures: int = 0
    failed_in_a_row: int = 0
    failing_since: float | None = None
    """On the clock of ``time.time``; None where the last round went well."""
    error: str | None = None
    """What the last failure was, in one line that strangers may read."""

    @property
    def keeps_failing(self) -> bool:
        """Whether somebody should look at it."""
        return self.failed_in_a_row >= KEEPS_FAILING_ROUNDS


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loop:
    name: str
    do: Round
    every_seconds: float
    longest_wait_seconds: float
    state: LoopState

    def wait_seconds(self, more: object) -> float:
        failed = self.state.failed_in_a_row
        if failed:
            return min(FIRST_WAIT_SECONDS * 2.0 ** min(failed - 1, 20), self.longest_wait_seconds)
        return 0.0 if more else self.every_seconds


class Upkeep:
    """The loops of one process."""

    def __init__(self) -> None:
        self._loops: list[_Loop] = []

    def __iter__(self) -> Iterator[tuple[str, LoopState]]:
        return ((loop.name, loop.state) for loop in self._loops)

    def add(
        self, name: str, do: Round, *, every_seconds: float, longest_wait_seconds: float = LONGEST_WAIT_SECONDS
    ) -> None:
        """Have ``do`` called at once and again so many seconds after each end; after failures at most so much later."""
        loop = _Loop(
            name=name, do=do, every_seconds=every_seconds, longest_wait_seconds=longest_wait_seconds, state=LoopState()
        )
        self._loops.append(loop)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """All loops go on until the block ends."""
        tasks = [asyncio.create_task(_keep(loop), name=loop.name) for loop in self._loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(loop: _Loop) -> None:
    state = loop.state
    while True:
        work = asyncio.ensure_future(loop.do())
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work})
            raise
        state.rounds += 1
        # A task is asked how it ended, so that whatever it ended by is seen here and ends nothing else.
        error = asyncio.CancelledError("cancelled from within") if work.cancelled() else work.exception()
        if error is not None:
            _note_failure(loop, error)
        elif state.failed_in_a_row:
            logger.info("loop_recovered", loop=loop.name, failures=state.failed_in_a_row)
            state.failed_in_a_row, state.failing_since, state.error = 0, None, None
        await asyncio.sleep(loop.wait_seconds(more=error is None and work.result()))


def _note_failure(loop: _Loop, error: BaseException) -> None:
    state = loop.state
    state.failures += 1
    state.failed_in_a_row += 1
    state.failing_since = state.failing_since or time.time()
    state.error = error.message if isinstance(error, EchoicError) else type(error).__name__
    log = logger.error if state.keeps_failing else logger.warning
    log(
        "loop_failed",
        loop=loop.name,
        error=state.error,
        failed_in_a_row=state.failed_in_a_row,
        again_in_seconds=loop.wait_seconds(more=False),
        # That a part of the server is away needs no traceback.
        exc_info=None if isinstance(error, Unavailable) else error,
    )
