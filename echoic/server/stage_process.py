"""The child process that runs stages for a worker, with all of its components open."""

import asyncio

from echoic.compose import open_components
from echoic.engines.registry import Engines
from echoic.errors import EchoicError
from echoic.logs import get_logger
from echoic.pipeline.child import serve_stages
from echoic.pipeline.stage import StageTable
from echoic.pipeline.state_machine import RunStateMachine
from echoic.settings import Settings
from echoic.stages.tools import Tools

HEAVY_QUEUE = "gpu"
"""The queue of the stages that use the engines which are loaded ahead."""

logger = get_logger(__name__)


async def serve_table(table: StageTable[Tools], settings: Settings, database_url: str, protocol: int) -> None:
    """Run the stages of a table on open components until standard input closes."""
    async with open_components(settings, database_url) as components:
        serving = serve_stages(
            protocol,
            table=table,
            tools=Tools(
                settings=settings,
                database=components.database,
                blobs=components.blobs,
                engines=components.engines,
                spare_decoder=components.spare_decoder,
            ),
            database=components.database,
            machine=RunStateMachine(table, components.queue, max_attempts=settings.stage_max_attempts),
        )
        if settings.engines_load_ahead and HEAVY_QUEUE in settings.worker_queues:
            await asyncio.gather(serving, _load_ahead(components.engines))
        else:
            await serving


async def _load_ahead(engines: Engines) -> None:
    """Load engines beside the first stage; what cannot be loaded is told again by the stage that needs it."""
    try:
        await asyncio.to_thread(engines.load_ahead)
    except EchoicError as error:
        logger.warning("engines_not_loaded_ahead", code=error.code, error=error.message)
    else:
        logger.info("engines_loaded_ahead")
