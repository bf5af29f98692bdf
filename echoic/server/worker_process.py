"""The worker that ``echoic serve`` keeps beside the API: started, started again when it dies, stopped."""

import asyncio
import os
import signal
import sys

from echoic.errors import StartupFailed
from echoic.logs import get_logger
from echoic.processes import PARENT_VARIABLE, signal_child
from echoic.upkeep import Upkeep

RESTART_WAIT_SECONDS = 1.0
LONGEST_RESTART_WAIT_SECONDS = 30.0
LONG_ENOUGH_SECONDS = 60.0
"""The age at which a worker has not failed at its start: its restart is prompt again."""

logger = get_logger(__name__)


class WorkerProcess:
    """Keeps one worker process alive."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._process: asyncio.subprocess.Process | None = None
        self._started_at = 0.0

    def keep(self, upkeep: Upkeep) -> None:
        """Add a loop that starts the worker, and starts it again when it dies."""
        upkeep.add(
            "worker",
            self._watch,
            every_seconds=RESTART_WAIT_SECONDS,
            longest_wait_seconds=LONGEST_RESTART_WAIT_SECONDS,
            busy=True,
        )

    async def stop(self, *, wait_seconds: float) -> None:
        """Ask the worker to stop, wait, and end it where it does not."""
        if self._process is None or self._process.returncode is not None:
            return
        signal_child(self._process, signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), wait_seconds)
        except TimeoutError:
            logger.warning("worker_killed", pid=self._process.pid)
            signal_child(self._process, signal.SIGKILL)
            await self._process.wait()

    async def _watch(self) -> bool:
        """Start the worker unless it lives, and watch it for a while; return whether it still lives.

        Raises:
            StartupFailed: it died too soon to have done any work.
            OSError: it cannot be started.
        """
        loop = asyncio.get_running_loop()
        if self._process is None or self._process.returncode is not None:
            self._process = await self._start()
            self._started_at = loop.time()
        try:
            code = await asyncio.wait_for(self._process.wait(), LONG_ENOUGH_SECONDS)
        except TimeoutError:
            return True
        if loop.time() - self._started_at < LONG_ENOUGH_SECONDS:
            raise StartupFailed(f"The worker died soon after its start (exit code {code}).")
        logger.warning("worker_died", exit_code=code)
        return False

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "echoic",
            "worker",
            env={
                **os.environ,
                "ECHOIC_DATABASE_URL": self._database_url,
                PARENT_VARIABLE: str(os.getpid()),
            },
            # A Ctrl-C at the terminal is ours to handle; we tell the worker.
            start_new_session=True,
        )
