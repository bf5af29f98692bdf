"""A server and a worker that start while nobody takes writes wait for the standby to be promoted, and then work."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from echoic.db import migrate
from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import item, upload
from tests.folders import passable_folder
from tests.replicated.pair import Pair
from tests.waiting import wait_for

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

WAITS = "waiting_for_database"
PATIENCE = {"ECHOIC_DATABASE_START_WAIT_SECONDS": "600"}
"""More than a slow machine takes to start both."""


def told(log: Path) -> int:
    """How many lines of a log tell that the database is waited for."""
    return log.read_text(encoding="utf-8").count(WAITS) if log.exists() else 0


def replayed(pair: Pair) -> bool:
    written = pair.primary.execute("SELECT pg_current_wal_lsn()")
    return pair.standby.execute(f"SELECT pg_last_wal_replay_lsn() >= '{written}'") is True


def test_who_starts_between_primary_and_promotion_waits_and_works(pair: Pair) -> None:
    migrate.upgrade(pair.primary.url())
    wait_for(lambda: replayed(pair), "the standby has the schema")
    pair.primary.kill()
    with passable_folder() as folder, ThreadPoolExecutor() as pool:
        worker_log = folder / "worker-log"
        with worker_log.open("ab") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "echoic", "worker"],
                env={
                    **os.environ,
                    **FAKES,
                    **PATIENCE,
                    "ECHOIC_DATABASE_URL": pair.standby.url(),
                    "ECHOIC_DATA_DIR": str(folder),
                },
                stdout=output,
                stderr=output,
            )
        try:
            starting = pool.submit(
                PrivateServer, folder, options=WITHOUT_WORKER, ECHOIC_DATABASE_URL=pair.url, **FAKES, **PATIENCE
            )
            for log in (folder / "log", worker_log):
                wait_for(lambda log=log: told(log) > 0, f"{log} tells of the wait")  # type: ignore[misc]
            assert not starting.done()
            assert pair.standby.execute("SELECT pg_promote(true, 60)") is True
            with starting.result() as server:
                item_id = upload(server.client, RECORDING)
                wait_for(lambda: item(server.client, item_id)["status"] == "published", "the worker works")
        finally:
            worker.kill()
            worker.wait()
        for log in (folder / "log", worker_log):
            assert "Traceback" not in log.read_text(encoding="utf-8")
            assert "accepts only reads, as a standby does until it is promoted" in log.read_text(encoding="utf-8")
