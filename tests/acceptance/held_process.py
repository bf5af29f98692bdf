"""A worker of the real stages whose every stage can be held at its end, after its work and before its commit.

``HOLD`` names the stage, ``HOLD_FOLDER`` the folder in which ``held`` appears and ``release`` is waited for.
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from echoic.compose import open_components
from echoic.db.connect import Database
from echoic.logs import configure_logging
from echoic.pipeline.child import serve_stages, take_standard_output
from echoic.pipeline.stage import Stage, StageContext, StageOutput, StageTable
from echoic.pipeline.transitions import Transitions
from echoic.pipeline.worker import Worker
from echoic.processes import end_with_parent
from echoic.settings import Settings
from echoic.stages import STAGES
from echoic.stages.tools import Tools

LOOK_AGAIN_SECONDS = 0.02


def held(stage: Stage[Tools]) -> Stage[Tools]:
    """The same stage, which waits after its work for the release."""
    work = stage.run
    assert work is not None
    folder = Path(os.environ["HOLD_FOLDER"])

    async def run(context: StageContext[Tools]) -> StageOutput:
        output = await work(context)
        (folder / "held").write_text(str(os.getpid()), encoding="utf-8")
        while not (folder / "release").exists():  # noqa: ASYNC110 - another process makes the file
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return output

    return replace(stage, run=run)


def held_table() -> StageTable[Tools]:
    return StageTable(*(held(stage) if stage.name == os.environ.get("HOLD") else stage for stage in STAGES))


async def _stage_process(settings: Settings, url: str, protocol: int) -> None:
    table = held_table()
    async with open_components(settings, url) as components:
        await serve_stages(
            protocol,
            table=table,
            tools=Tools(
                settings=settings,
                database=components.database,
                blobs=components.blobs,
                engines=components.engines,
            ),
            database=components.database,
            transitions=Transitions(table, components.queue, max_attempts=settings.stage_max_attempts),
        )


async def _worker(settings: Settings, url: str) -> None:
    worker = Worker(
        settings,
        database=Database(url, pool_size=4),
        table=STAGES,
        command=[sys.executable, "-m", "tests.acceptance.held_process", "stages"],
        environment={"HOLD_PARENT": str(os.getpid())},
    )
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, worker.stop)
    await worker.run()


def main() -> None:
    settings = Settings()
    configure_logging(settings)
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    if sys.argv[1] == "stages":
        end_with_parent(int(os.environ["HOLD_PARENT"]))
        asyncio.run(_stage_process(settings, url, take_standard_output()))
    else:
        asyncio.run(_worker(settings, url))


if __name__ == "__main__":
    main()
