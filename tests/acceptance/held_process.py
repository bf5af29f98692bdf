"""A worker of the real stages whose every stage can be held at its end, after its work and before its commit, or fail.

The folder ``HOLD_FOLDER`` may have a file ``hold`` with the name of a stage. Once that stage has done its work, ``held``
appears there, and the stage waits for ``release``. A file ``fail`` names a stage that fails for good.
"""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from echoic.cli.start import read_settings
from echoic.errors import ModelMissing
from echoic.pipeline.child import take_standard_output
from echoic.pipeline.stage import Stage, StageContext, StageOutput, StageTable
from echoic.processes import PARENT_VARIABLE, end_with_parent
from echoic.server.database import found_database
from echoic.server.stage_process import serve_table
from echoic.server.worker import run_worker
from echoic.stages import STAGES
from echoic.stages.tools import Tools

LOOK_AGAIN_SECONDS = 0.02


def held(stage: Stage[Tools]) -> Stage[Tools]:
    """The same stage, which fails where it is to fail, and waits after its work for the release where it is to be held."""
    work = stage.run
    assert work is not None
    folder = Path(os.environ["HOLD_FOLDER"])
    named = folder / "hold"
    failing = folder / "fail"

    async def run(context: StageContext[Tools]) -> StageOutput:
        if failing.exists() and failing.read_text(encoding="utf-8") == stage.name:
            raise ModelMissing("It was told to.")
        output = await work(context)
        if not named.exists() or named.read_text(encoding="utf-8") != stage.name:
            return output
        (folder / "held").write_text(str(os.getpid()), encoding="utf-8")
        while not (folder / "release").exists():  # noqa: ASYNC110 - another process makes the file
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return output

    return replace(stage, run=run)


def held_table() -> StageTable[Tools]:
    return StageTable(*map(held, STAGES))


def main() -> None:
    settings = read_settings()
    url = found_database(settings)
    if sys.argv[1] == "stages":
        end_with_parent(int(os.environ[PARENT_VARIABLE]))
        asyncio.run(serve_table(held_table(), settings, url, take_standard_output()))
    else:
        command = [sys.executable, "-m", "tests.acceptance.held_process", "stages"]
        asyncio.run(run_worker(STAGES, settings, url, command=command))


if __name__ == "__main__":
    main()
