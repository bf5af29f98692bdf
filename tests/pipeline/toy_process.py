"""The toy stages' counterparts of ``echoic worker`` and ``echoic stage-process``."""

import asyncio
import os
import signal
import sys

from echoic.db.connect import Database
from echoic.logs import configure_logging
from echoic.pipeline.child import serve_stages, take_standard_output
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.transitions import Transitions
from echoic.pipeline.worker import Worker
from echoic.processes import end_with_parent
from echoic.settings import Settings
from tests.pipeline.toy import TABLE


async def _stage_process(settings: Settings, url: str, protocol: int) -> None:
    transitions = Transitions(TABLE, JobQueue(url), max_attempts=settings.stage_max_attempts)
    database = Database(url, pool_size=2)
    await serve_stages(protocol, table=TABLE, tools=None, database=database, transitions=transitions)


async def _worker(settings: Settings, url: str) -> None:
    worker = Worker(
        settings,
        database=Database(url, pool_size=4),
        table=TABLE,
        command=[sys.executable, "-m", "tests.pipeline.toy_process", "stages"],
        environment={"TOY_PARENT": str(os.getpid())},
    )
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, worker.stop)
    await worker.run()


if __name__ == "__main__":
    settings = Settings()
    url = os.environ["TOY_DATABASE_URL"]
    configure_logging(settings)
    if sys.argv[1] == "stages":
        end_with_parent(int(os.environ["TOY_PARENT"]))
        asyncio.run(_stage_process(settings, url, take_standard_output()))
    else:
        asyncio.run(_worker(settings, url))
