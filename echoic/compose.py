"""The only wiring: settings become an open database, storage, queue and engines, closed again in reverse order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from echoic.db.connect import Database
from echoic.engines.registry import Engines
from echoic.intake.fetch import Egress
from echoic.intake.networks import AllowList
from echoic.intake.receive import Receiver
from echoic.pipeline.control import RunControl
from echoic.pipeline.queue import JobQueue
from echoic.settings import Settings
from echoic.stages import STAGES
from echoic.storage.blobs import Blobs
from echoic.storage.open import open_blobs


@dataclass(frozen=True, kw_only=True)
class Components:
    """The open parts of one process."""

    settings: Settings
    database: Database
    blobs: Blobs
    queue: JobQueue
    runs: RunControl
    engines: Engines
    receiver: Receiver


@asynccontextmanager
async def open_components(settings: Settings, database_url: str) -> AsyncIterator[Components]:
    """Open everything a process works with; nothing heavy is loaded before its first use."""
    database = Database(database_url, pool_size=settings.database_pool_size)
    engines = Engines(settings)
    queue = JobQueue(database_url)
    runs = RunControl(queue, STAGES)
    try:
        blobs = open_blobs(settings)
        egress = Egress(allowed=AllowList.parse(settings.fetch_allowed_networks))
        yield Components(
            settings=settings,
            database=database,
            blobs=blobs,
            queue=queue,
            runs=runs,
            engines=engines,
            receiver=Receiver(settings, database=database, blobs=blobs, runs=runs, egress=egress),
        )
    finally:
        engines.close()
        await database.close()
