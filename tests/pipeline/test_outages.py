"""The database goes away under running stages: whatever a living worker holds stays its own, and it goes on as before."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from echoic.db import migrate
from echoic.db.connect import Database
from echoic.errors import DatabaseUnavailable
from echoic.postgres import ROLE, EmbeddedPostgres
from echoic.settings import Settings
from tests.conftest import POSTGRES_PROGRAMS, UNSAFE_AND_FAST
from tests.folders import copied, passable_folder
from tests.pipeline import toy
from tests.pipeline.conftest import Runs, Workers
from tests.waiting import until

pytestmark = pytest.mark.processes

STALLED_SECONDS = 3
OUTAGE_SECONDS = 5
"""Longer than a silent worker is waited for."""

POLL_SECONDS = 20.0
PROMPT_SECONDS = 6.0
"""A worker that nobody tells of jobs would need luck to see three in a row so soon."""


class Server:
    """A PostgreSQL of the test's own, that it can take away."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            _env_file=None, data_dir=folder, postgres_bin_dir=POSTGRES_PROGRAMS, postgres_account=None
        )
        self._postgres = EmbeddedPostgres(self.settings, options=UNSAFE_AND_FAST)

    def start(self) -> str:
        self._postgres = EmbeddedPostgres(self.settings, options=UNSAFE_AND_FAST)
        self._postgres.start()
        return self._postgres.url

    def stop(self) -> None:
        self._postgres.stop()

    def freeze(self) -> list[psutil.Process]:
        """Stop the postmaster, which then starts no other process, and all of its processes; return them."""
        pid_file = self.settings.data_dir / "postgres" / "cluster" / "postmaster.pid"
        postmaster = psutil.Process(int(pid_file.read_text(encoding="utf-8").splitlines()[0]))
        postmaster.send_signal(signal.SIGSTOP)
        frozen = [postmaster]
        for process in postmaster.children():
            with contextlib.suppress(psutil.NoSuchProcess):  # a connection that was just given up
                process.send_signal(signal.SIGSTOP)
                frozen.append(process)
        return frozen


@pytest.fixture(scope="module")
def first_start() -> Iterator[Path]:
    """The folder of a server that was stopped, with this version's schema."""
    with passable_folder() as folder:
        server = Server(folder)
        server.start()
        migrate.upgrade(server._postgres.owner_url, program_role=ROLE)
        server.stop()
        yield folder


@pytest.fixture
async def server(first_start: Path) -> AsyncIterator[Server]:
    with copied(first_start) as folder:
        server = Server(folder)
        await asyncio.to_thread(server.start)
        yield server
        await asyncio.to_thread(server.stop)


@pytest.fixture
def database_url(server: Server) -> str:
    return server._postgres.url


async def stop_for_a_while(server: Server) -> None:
    await asyncio.to_thread(server.stop)
    await passed(OUTAGE_SECONDS)
    await asyncio.to_thread(server.start)


async def freeze_for_a_while(server: Server) -> None:
    frozen = server.freeze()
    await passed(OUTAGE_SECONDS)
    for process in reversed(frozen):
        process.send_signal(signal.SIGCONT)


async def restart_at_once(server: Server) -> None:
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


async def passed(seconds: float) -> None:
    over = time.monotonic() + seconds

    async def is_over() -> bool:
        return time.monotonic() > over

    await until(is_over, f"{seconds} seconds have passed")


async def beats(database: Database) -> int:
    """How many workers have beaten within the time after which they would be taken for dead."""
    async with database.transaction() as session:
        found = await session.scalar(
            text(
                "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > clock_timestamp() - interval '2 seconds'"
            )
        )
    return int(found or 0)


@pytest.mark.parametrize("outage", [stop_for_a_while, freeze_for_a_while, restart_at_once])
async def test_nothing_is_taken_from_a_living_worker_by_an_outage_and_what_died_meanwhile_is_found(
    server: Server, toy_runs: Runs, workers: Workers, outage: Callable[[Server], Awaitable[None]], tmp_path: Path
) -> None:
    timing = {"worker_stalled_seconds": STALLED_SECONDS, "worker_poll_seconds": POLL_SECONDS}
    workers.start(**timing)
    held = await toy_runs.start(hold=["two"])
    await toy_runs.until_held()
    doomed = workers.start(**timing)
    other = Runs(toy_runs.database, tmp_path / "other")
    other.folder.mkdir()
    other.dataset_id = toy_runs.dataset_id
    left = await other.start(hold=["two"])
    await other.until_held()
    workers.start(**timing)

    async def all_beat(count: int) -> bool:
        try:
            return await beats(toy_runs.database) == count
        except DatabaseUnavailable:
            return False

    await until(lambda: all_beat(3), "three workers live")
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    await outage(server)
    other.release()
    await until(lambda: all_beat(2), "the hearts of the living go on")
    # Its worker is dead: recovery has found out who is silent, and left the living one alone.
    await other.until_state(left, "succeeded")
    assert ("two", "lost") in await toy_runs.events(left)

    for _ in range(3):
        started = time.monotonic()
        prompt = await other.start()
        await other.until_state(prompt, "succeeded")
        assert time.monotonic() - started < PROMPT_SECONDS, "new jobs are noticed, although nobody looks for any"

    toy_runs.release()
    await toy_runs.until_state(held, "succeeded")
    assert [event for stage, event in await toy_runs.events(held) if stage == "two"] == ["claimed", "done"]
    async with toy_runs.database.transaction() as session:
        waiting = await session.scalar(text("SELECT count(*) FROM procrastinate_jobs"))
    assert waiting == 0, "every job was ended, also by the worker that held it through the outage"


async def test_a_child_that_is_killed_while_the_database_is_away_costs_its_stage_no_attempt(
    server: Server, toy_runs: Runs, workers: Workers
) -> None:
    workers.start(stage_max_attempts=1)
    run_id = await toy_runs.start(hold=["two"])
    await toy_runs.until_held()
    await asyncio.to_thread(server.stop)
    os.kill(toy.stage_pid(toy_runs.folder), signal.SIGKILL)
    toy_runs.release()
    await asyncio.to_thread(server.start)
    await toy_runs.until_state(run_id, "succeeded")
    assert [event for stage, event in await toy_runs.events(run_id) if stage == "two"] == [
        "claimed",
        "lost",
        "claimed",
        "done",
    ]


async def test_a_worker_and_its_child_that_are_told_to_end_at_once_cost_the_stage_no_attempt(
    toy_runs: Runs, workers: Workers
) -> None:
    first = workers.start(stage_max_attempts=1)
    run_id = await toy_runs.start(hold=["two"], deaf=True)
    await toy_runs.until_held()
    first.send_signal(signal.SIGTERM)
    os.kill(toy.stage_pid(toy_runs.folder), signal.SIGTERM)
    assert first.wait(timeout=30) == 0
    toy_runs.release()
    workers.start(stage_max_attempts=1)
    await toy_runs.until_state(run_id, "succeeded")
