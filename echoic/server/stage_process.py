"""The child process that runs stages for a worker, with all of its components open."""

from echoic.compose import open_components
from echoic.pipeline.child import serve_stages
from echoic.pipeline.stage import StageTable
from echoic.pipeline.state_machine import RunStateMachine
from echoic.settings import Settings
from echoic.stages.tools import Tools


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
            machine=RunStateMachine(table, components.queue, max_attempts=settings.stage_max_attempts),
        )
