"""A worker: takes the pipeline's jobs and has its child processes run their stages."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from echoic import tracing
from echoic.db import migrate
from echoic.db.items.storage_use import newest_audio_keys
from echoic.engines.media.parent import MediaLimits, rehearse
from echoic.engines.models.whisper import require_known
from echoic.errors import BlobNotFound, StartupFailed, StorageUnavailable
from echoic.pipeline.stage import StageTable
from echoic.pipeline.worker import Worker
from echoic.processes import PARENT_VARIABLE, computing_environment
from echoic.server.database import found_database, open_database, owner_url, patience_with
from echoic.settings import Settings
from echoic.stages import CHORES, STAGES
from echoic.storage.open import open_blobs

LOOKED_FOR = 3
"""So many of the newest recordings are looked for in the storage: one may be lost, and be nobody's mistake."""


def work(settings: Settings, *, has_server: bool) -> None:
    """Work on the queues named in the settings until SIGINT or SIGTERM.

    ``has_server`` says that a server started this process, and tried the decoder before.

    Raises:
        DatabaseNotReady: the database does not take writes in time.
        DatabaseUnavailable: it refuses this role, this password or this database.
        StartupFailed: there is no database, its schema is another version's, the decoder does not start, or the audio is
            kept elsewhere than the settings say.
        SettingInvalid: nobody has the transcriber's model.
    """
    if not has_server and STAGES["transcribe"].queue in settings.worker_queues:
        require_known(settings)
    if not has_server and STAGES["decode"].queue in settings.worker_queues:
        asyncio.run(rehearse(MediaLimits.from_settings(settings)))
    url = found_database(settings)
    patience = patience_with(settings, owner_url(settings, url))
    patience.until_it_takes_writes()
    patience.through(lambda: migrate.verify(url))
    if not has_server:
        asyncio.run(_require_audio(settings, url))
    with tracing.kept("worker"):
        asyncio.run(run_worker(STAGES, settings, url, command=[sys.executable, "-m", "echoic", "stage-process"]))


async def _require_audio(settings: Settings, url: str) -> None:
    """Raise StartupFailed where none of the newest recordings is in the storage: all that this worker took would fail."""
    database, blobs = open_database(settings, url), open_blobs(settings)
    try:
        async with database.transaction() as session:
            keys = await newest_audio_keys(session, LOOKED_FOR)
        for key in keys:
            try:
                await blobs.stat(key)
            except BlobNotFound:
                continue
            return
    except StorageUnavailable:
        return  # what it holds is not known; the worker waits for it, job by job
    finally:
        await database.close()
    if keys:
        place = "the bucket of ECHOIC_STORAGE_URL" if settings.storage_url else f"the folder {settings.blobs_dir}"
        raise StartupFailed(
            f"The server's recordings are not in {place}. Give a worker on another machine the same ECHOIC_STORAGE_URL, or "
            "share the server's data folder with it and set ECHOIC_DATA_DIR."
        )


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
