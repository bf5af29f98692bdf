"""``echoic stage-process``: the child process that runs stages for a worker. Started by workers, never by hand."""

import asyncio
import os

from echoic.cli.start import found_database, read_settings, reported
from echoic.compose import open_components
from echoic.pipeline.child import serve_stages, take_standard_output
from echoic.pipeline.stage import StageTable
from echoic.pipeline.transitions import Transitions
from echoic.processes import PARENT_VARIABLE, end_with_parent
from echoic.settings import Settings
from echoic.stages import STAGES
from echoic.stages.tools import Tools


def stage_process() -> None:
    """Run stages that arrive on standard input."""
    end_with_parent(int(os.environ[PARENT_VARIABLE]))
    protocol = take_standard_output()
    with reported():
        settings = read_settings()
        asyncio.run(serve_table(STAGES, settings, found_database(settings), protocol))


async def serve_table(table: StageTable[Tools], settings: Settings, database_url: str, protocol: int) -> None:
    """Run the stages of a table on open components until standard input closes."""
    async with open_components(settings, database_url) as components:
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
