"""The words in which a worker's log tells how the child process that runs stages ended."""

import asyncio
import os
import signal
import sys
import uuid

import pytest
from structlog.testing import capture_logs

from echoic.errors import StageCrashed
from echoic.pipeline.process import StageProcess
from echoic.pipeline.state_machine import Claimed

SILENT = (sys.executable, "-c", "import signal; signal.pause()")
CLAIMED = Claimed(run_id=1, item_id=1, stage="decode", claim=uuid.UUID(int=1), attempt=1)


@pytest.mark.parametrize(
    ("on_purpose", "told"),
    [(True, [("info", "stage_process_ended")]), (False, [("warning", "stage_process_died")])],
)
async def test_only_a_child_that_nobody_ended_is_told_as_one_that_died(
    on_purpose: bool, told: list[tuple[str, str]]
) -> None:
    process = StageProcess(SILENT, {})
    await process.start()
    running = asyncio.create_task(process.run(CLAIMED))
    assert process.pid is not None
    with capture_logs() as logs:
        if on_purpose:
            await process.kill()
        else:
            os.kill(process.pid, signal.SIGKILL)
        outcome = await running
    assert isinstance(outcome.error, StageCrashed)
    assert [(line["log_level"], line["event"]) for line in logs] == told
