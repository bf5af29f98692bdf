"""The toy stages' counterparts of ``echoic worker`` and ``echoic stage-process``.

The child imports no more than it needs: these processes are started a hundred times, and most of their work is that.
"""

import asyncio
import os
import sys

from echoic.db.connect import Database
from echoic.logs import configure_logging
from echoic.pipeline.child import serve_stages, take_standard_output
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.state_machine import RunStateMachine
from echoic.processes import PARENT_VARIABLE, end_with_parent
from echoic.settings import Settings, read_settings
from tests.pipeline.toy import TABLE


async def _stage_process(settings: Settings, url: str, protocol: int) -> None:
    database = Database(url, pool_size=2, direct_url=settings.direct_database_url)
    machine = RunStateMachine(TABLE, JobQueue(database), max_attempts=settings.stage_max_attempts)
    await serve_stages(protocol, table=TABLE, tools=None, database=database, machine=machine)


if __name__ == "__main__":
    settings = read_settings()
    configure_logging(settings)
    url = os.environ["ECHOIC_DATABASE_URL"]
    if sys.argv[1] == "stages":
        end_with_parent(int(os.environ[PARENT_VARIABLE]))
        asyncio.run(_stage_process(settings, url, take_standard_output()))
    else:
        from echoic.server.worker import run_worker

        command = [sys.executable, "-m", "tests.pipeline.toy_process", "stages"]
        asyncio.run(run_worker(TABLE, settings, url, command=command))
