"""The worker beside the API: one that does not get up is tried again and told of."""

import sys

import pytest

from echoic import upkeep as module
from echoic.server.worker_process import WorkerProcess
from echoic.upkeep import LoopState, Upkeep
from tests.waiting import until

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (sys.executable, "The worker died soon after its start (exit code 1)."),
        ("/nonexistent/python", "FileNotFoundError"),
    ],
)
async def test_a_worker_that_cannot_start_is_started_again_and_told_of(
    database_url: str, monkeypatch: pytest.MonkeyPatch, program: str, error: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    monkeypatch.setattr(module, "FIRST_WAIT_SECONDS", 0.001)
    told: list[tuple[str, int, str | None]] = []

    async def tell(name: str, state: LoopState) -> None:
        told.append((name, state.failed_in_a_row, state.error))

    async def told_twice() -> bool:
        return len(told) >= 2

    worker = WorkerProcess(database_url.replace("//echoic@", "//nobody@"))
    upkeep = Upkeep(tell)
    worker.keep(upkeep)
    async with upkeep.kept():
        await until(told_twice, "the worker is tried again")
    await worker.stop(wait_seconds=10)
    assert told[:2] == [("worker", 1, error), ("worker", 2, error)]
