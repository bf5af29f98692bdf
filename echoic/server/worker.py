"""A worker: takes the pipeline's jobs and has its child processes run their stages."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from echoic import tracing
from echoic.db import migrate
from echoic.engines.media.parent import MediaLimits, rehearse
from echoic.pipeline.stage import StageTable
from echoic.pipeline.worker import Worker
from echoic.processes import PARENT_VARIABLE, computing_environment
from echoic.server.database import found_database, open_database, owner_url, patience_with
from echoic.settings import Settings
from echoic.stages import CHORES, STAGES


def work(settings: Settings, *, has_server: bool) -> None:
    """Work on the queues named in the settings until SIGINT or SIGTERM.

    ``has_server`` says that a server started this process, and tried the decoder before.

    Raises:
        DatabaseNotReady: the database does not take writes in time.
        DatabaseUnavailable: it refuses this role, this password or this database.
        StartupFailed: there is no database, its schema is another version's, or the decoder does not start.
    """
    if not has_server and STAGES["decode"].queue in settings.worker_queues:
        asyncio.run(rehearse(MediaLimits.from_settings(settings)))
    url = found_database(settings)
    patience = patience_with(settings, owner_url(settings, url))
    patience.until_it_takes_writes()
    patience.through(lambda: migrate.verify(url))
    with tracing.kept("worker"):
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
