"""The child process that runs stages for a worker, seen from the worker.

Stages load models and hold the interpreter for seconds at a time; in a process of their own they cannot starve the
worker's heartbeat, cannot take it with them when memory runs out, and can be stopped at any moment.

Both sides speak lines of JSON: work and interrupts go in on the child's standard input, outcomes come back on its
standard output.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from echoic.errors import EchoicError, StageCrashed, StageInternalError, all_errors
from echoic.logs import get_logger
from echoic.pipeline.state_machine import Claimed
from echoic.processes import signal_child

KILL_WAIT_SECONDS = 5.0
LONGEST_ANSWER_BYTES = 1024 * 1024

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The end of the execution of a stage: with no field set, the stage is done and stored."""

    error: EchoicError | None = None
    lost: bool = False
    """The child was ended together with the database; why is not known."""
    interrupted: str | None = None
    """Name of the RunInterrupted class that ended it."""


class StageProcess:
    """One child process, started when needed, that runs one stage at a time."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._command = command
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._killed: int | None = None
        """Process id of the child that was last ended on purpose."""

    @property
    def pid(self) -> int | None:
        """Process id of the living child."""
        return self._process.pid if self._alive and self._process else None

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the child unless it is there, so that the next stage need not wait for it."""
        if self._alive:
            return
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_ANSWER_BYTES,
            env={**os.environ, **self._environment},
            # A Ctrl-C at the terminal is the worker's to handle; it tells the child.
            start_new_session=True,
        )

    async def run(self, claimed: Claimed) -> Outcome:
        """Run a claimed stage in the child and wait for its outcome; a child that dies is an outcome, too."""
        try:
            await self.start()
        except OSError as error:
            return Outcome(error=StageCrashed(f"The process that runs stages cannot be started: {error.strerror}."))
        try:
            await self._send({"work": _to_json(claimed)})
            answer = await self._receive()
        except (BrokenPipeError, ConnectionResetError):
            answer = None
        if answer is None:
            return Outcome(error=StageCrashed(await self._epitaph()))
        return _from_json(answer)

    async def interrupt(self) -> None:
        """Ask the child to stop its stage at the next harmless moment."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._send({"interrupt": True})

    async def kill(self) -> None:
        """End the child now."""
        if self._process is not None and self._alive:
            self._killed = self._process.pid
            logger.info("stage_process_ended", pid=self._process.pid)
            signal_child(self._process, signal.SIGKILL)
            await asyncio.wait_for(self._process.wait(), KILL_WAIT_SECONDS)

    async def _send(self, message: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            raise BrokenPipeError
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()

    async def _receive(self) -> dict[str, Any] | None:
        if self._process is None or self._process.stdout is None:
            return None
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            return None
        message: dict[str, Any] = json.loads(line)
        return message

    async def _epitaph(self) -> str:
        if self._process is None:
            return StageCrashed.__doc__ or ""
        code = await self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if self._process.pid != self._killed:
            logger.warning("stage_process_died", pid=self._process.pid, how=how)
        hint = "memory may have run out" if code == -signal.SIGKILL else "the server's log may tell more"
        return f"The process that ran the stage ended unexpectedly ({how}); {hint}."


def _to_json(claimed: Claimed) -> dict[str, Any]:
    return {**asdict(claimed), "claim": str(claimed.claim)}


def _from_json(answer: dict[str, Any]) -> Outcome:
    if answer.get("code") is not None:
        kind = all_errors().get(answer["code"], StageInternalError)
        return Outcome(error=kind(answer["message"]))
    return Outcome(interrupted=answer.get("interrupted"))
