"""The worker that ``echoic serve`` keeps beside the API: started, started again when it dies, stopped."""

import asyncio
import contextlib
import os
import sys

from echoic.cli.stage_process import PARENT_VARIABLE
from echoic.logs import get_logger

RESTART_WAIT_SECONDS = 1.0
LONGEST_RESTART_WAIT_SECONDS = 30.0
LONG_ENOUGH_SECONDS = 60.0
"""A worker that lived so long did not fail at its start: the next restart is prompt again."""

logger = get_logger(__name__)


class WorkerProcess:
    """Keeps one worker process alive."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the worker and keep it alive."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self, *, wait_seconds: float) -> None:
        """Ask the worker to stop, wait, and end it where it does not."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), wait_seconds)
        except TimeoutError:
            logger.warning("worker_killed", pid=self._process.pid)
            self._process.kill()
            await self._process.wait()

    async def _keep(self) -> None:
        wait = RESTART_WAIT_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            self._process = await asyncio.create_subprocess_exec(
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
            code = await self._process.wait()
            if loop.time() - started > LONG_ENOUGH_SECONDS:
                wait = RESTART_WAIT_SECONDS
            logger.warning("worker_died", exit_code=code, restart_in_seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_RESTART_WAIT_SECONDS)
