"""The child process that runs stages for a worker, seen from inside; the worker's side is ``process.py``."""

import asyncio
import json
import os
import sys
import uuid
from typing import Any

from echoic.db.connect import Database
from echoic.errors import EchoicError
from echoic.logs import get_logger, log_context
from echoic.pipeline.execute import StageExecution
from echoic.pipeline.stage import RunInterrupted, StageTable
from echoic.pipeline.state_machine import Claimed, RunStateMachine
from echoic.tracing import handed_on

UNANSWERED_EXIT_CODE = 70
"""Of a child whose work ended without an outcome: the code of sysexits.h for an error in the program itself."""
LONGEST_MESSAGE_CHARACTERS = 2_000

logger = get_logger(__name__)


def take_standard_output() -> int:
    """Keep the real standard output for the protocol and send everything that prints to standard error."""
    protocol = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return protocol


async def serve_stages(
    protocol: int, *, table: StageTable[Any], tools: Any, database: Database, machine: RunStateMachine
) -> None:
    """Run the stages that arrive on standard input, one after the other, until it closes."""
    stop = asyncio.Event()
    reader = await _standard_input()
    work: asyncio.Task[None] | None = None
    while line := await reader.readline():
        message = json.loads(line)
        if "interrupt" in message:
            stop.set()
            continue
        if work is not None:
            await work  # the worker sends the next stage only after the outcome of the last
        stop.clear()
        claimed = _claimed(message["work"])
        execution = StageExecution(claimed, table=table, tools=tools, database=database, machine=machine, stop=stop)
        work = asyncio.create_task(_answer(protocol, claimed, execution))
        work.add_done_callback(_end_if_unanswered)
    # The worker is gone, and with it whoever would take the outcome.
    os._exit(0)


async def _answer(protocol: int, claimed: Claimed, execution: StageExecution) -> None:
    with (
        log_context(run_id=claimed.run_id, item_id=claimed.item_id, stage=claimed.stage),
        handed_on(claimed.traceparent),
    ):
        outcome: dict[str, Any] = {}
        try:
            await execution.run()
        except RunInterrupted as interrupted:
            outcome = {"interrupted": type(interrupted).__name__}
        except EchoicError as error:
            outcome = {"code": error.code, "message": error.message[:LONGEST_MESSAGE_CHARACTERS]}
    os.write(protocol, json.dumps(outcome).encode() + b"\n")


def _end_if_unanswered(work: "asyncio.Task[None]") -> None:
    """A living child that owes an outcome would be waited for without end; a dead one is an outcome."""
    if not work.cancelled() and work.exception() is None:
        return
    logger.critical("stage_ended_unanswered", exc_info=None if work.cancelled() else work.exception())
    os._exit(UNANSWERED_EXIT_CODE)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _claimed(message: dict[str, Any]) -> Claimed:
    return Claimed(**{**message, "claim": uuid.UUID(message["claim"])})
