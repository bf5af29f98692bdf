"""The child process that runs stages for a worker. It opens what stages use, and loads nothing of what else a server has."""

import asyncio

from echoic.engines.media.parent import spare_child
from echoic.engines.registry import Engines
from echoic.errors import EchoicError
from echoic.intake.run_options import check_language
from echoic.logs import get_logger
from echoic.pipeline.child import serve_stages
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.stage import StageTable
from echoic.pipeline.state_machine import RunStateMachine
from echoic.server.database import open_database
from echoic.settings import Settings
from echoic.stages.tools import Tools
from echoic.storage.open import open_blobs

HEAVY_QUEUE = "gpu"
"""The queue of the stages that use the engines which are loaded ahead."""

logger = get_logger(__name__)


async def serve_table(table: StageTable[Tools], settings: Settings, database_url: str, protocol: int) -> None:
    """Run the stages of a table until standard input closes.

    Raises:
        SettingInvalid: a setting that stages use is wrong.
        DataDirUnusable: there is no folder for the audio, and none can be made.
    """
    check_language(settings)
    database, engines = open_database(settings, database_url), Engines(settings)
    try:
        async with spare_child(ahead=settings.engines_load_ahead) as spare:
            serving = serve_stages(
                protocol,
                table=table,
                tools=Tools(
                    settings=settings,
                    database=database,
                    blobs=open_blobs(settings),
                    engines=engines,
                    spare_decoder=spare,
                ),
                database=database,
                machine=RunStateMachine(table, JobQueue(database), max_attempts=settings.stage_max_attempts),
            )
            if settings.engines_load_ahead and HEAVY_QUEUE in settings.worker_queues:
                await asyncio.gather(serving, _load_ahead(engines))
            else:
                await serving
    finally:
        engines.close()
        await database.close()


async def _load_ahead(engines: Engines) -> None:
    """Load engines beside the first stage; what cannot be loaded is told again by the stage that needs it."""
    try:
        await asyncio.to_thread(engines.load_ahead)
    except EchoicError as error:
        logger.warning("engines_not_loaded_ahead", code=error.code, error=error.message)
    else:
        logger.info("engines_loaded_ahead")
