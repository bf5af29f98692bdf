"""``echoic worker``: work on the pipeline's stages, on this machine or on as many as there are."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from echoic.cli.start import found_database, open_database, read_settings, reported
from echoic.db import migrate
from echoic.engines.media.parent import MediaLimits, rehearse
from echoic.pipeline.stage import StageTable
from echoic.pipeline.worker import Worker
from echoic.processes import PARENT_VARIABLE, computing_environment, end_with_parent
from echoic.settings import Settings
from echoic.stages import CHORES, STAGES


def worker() -> None:
    """Work on the queues named in the settings until stopped; needs the database of a running server."""
    has_server = PARENT_VARIABLE in os.environ
    if has_server:
        end_with_parent(int(os.environ[PARENT_VARIABLE]), by=signal.SIGTERM)
    with reported():
        settings = read_settings()
        # The server that started this worker has rehearsed before.
        if not has_server and STAGES["decode"].queue in settings.worker_queues:
            asyncio.run(rehearse(MediaLimits.from_settings(settings)))
        url = found_database(settings)
        migrate.verify(url)
        asyncio.run(run_worker(STAGES, settings, url, command=[sys.executable, "-m", "echoic", "stage-process"]))


async def run_worker(table: StageTable[Any], settings: Settings, url: str, *, command: Sequence[str]) -> None:
    """Work on a table's stages, in child processes started by the command, until SIGINT or SIGTERM."""
    database = open_database(settings, url)
    worker = Worker(
        settings,
        database=database,
        table=table,
        command=command,
        environment={"ECHOIC_DATABASE_URL": url, PARENT_VARIABLE: str(os.getpid()), **computing_environment()},
        chores=CHORES,
    )
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, worker.stop)
    try:
        await worker.run()
    finally:
        await database.close()
