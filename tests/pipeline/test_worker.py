"""The worker with real processes on the real database: what happens when something dies, stops or fails."""

import os
import signal

import psutil
import pytest
from sqlalchemy import text

from echoic import __version__
from echoic.db.runs import runs, workers as seen
from echoic.errors import RunActive, RunNotActive
from tests.pipeline import toy
from tests.pipeline.conftest import Runs, Workers
from tests.waiting import until

pytestmark = pytest.mark.processes

ALL = ["one", "two", "extra", "three"]


@pytest.mark.parametrize("stage", ALL)
async def test_a_worker_killed_inside_a_stage_is_replaced_and_no_finished_stage_runs_again(
    toy_runs: Runs, workers: Workers, stage: str
) -> None:
    first = workers.start()
    run_id = await toy_runs.start(hold=[stage])
    await toy_runs.until_held()
    workers.start()
    first.send_signal(signal.SIGKILL)
    first.wait()
    toy_runs.release()
    await toy_runs.until_state(run_id, "succeeded")
    assert sorted(toy.starts(toy_runs.folder)) == sorted([*ALL, stage])
    async with toy_runs.database.transaction() as session:
        result = await runs.stage_result(session, run_id, stage)
    assert result is not None
    assert result.output["found"] == 1, "the second worker starts from the first one's checkpoint"


async def test_a_worker_says_who_it_is_and_what_it_works_on_and_is_forgotten_once_it_is_gone(
    toy_runs: Runs, workers: Workers
) -> None:
    first = workers.start()
    run_id = await toy_runs.start(hold=["two"])
    await toy_runs.until_held()
    run = await toy_runs.get(run_id)
    async with toy_runs.database.transaction() as session:
        (worker,) = await seen.list_workers(session, alive_seconds=60.0)
        assert await seen.count_alive(session, alive_seconds=60.0) == 1
    (work,) = worker.work
    assert (worker.name, worker.version, worker.is_alive) == (run.claimed_by, __version__, True)
    assert (work.item_id, work.stage, work.attempt) == (run.item_id, "two", 1)
    assert worker.started_at is not None
    assert work.since is not None
    assert worker.started_at < work.since
    first.send_signal(signal.SIGKILL)
    first.wait()
    workers.start()
    toy_runs.release()
    await toy_runs.until_state(run_id, "succeeded")
    async with toy_runs.database.transaction() as session:
        (other,) = await seen.list_workers(session, alive_seconds=60.0)
        known = list(await session.scalars(text("SELECT id FROM workers")))
    assert other.id != worker.id
    assert known == [other.id]


async def test_the_stage_process_dies_with_its_worker(toy_runs: Runs, workers: Workers) -> None:
    worker = workers.start()
    await toy_runs.start(hold=["one"])
    await toy_runs.until_held()
    pid = toy.stage_pid(toy_runs.folder)
    worker.send_signal(signal.SIGKILL)
    worker.wait()

    async def gone() -> bool:
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    await until(gone, "the stage process is gone")


async def test_sigterm_gives_a_running_stage_back_and_nobody_runs_it_twice_at_once(
    toy_runs: Runs, workers: Workers
) -> None:
    first = workers.start(worker_stalled_seconds=1)
    run_id = await toy_runs.start(hold=["two"])
    await toy_runs.until_held()
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=30) == 0
    toy_runs.release()
    workers.start()
    await toy_runs.until_state(run_id, "succeeded")
    assert [event for stage, event in await toy_runs.events(run_id) if stage == "two"] == [
        "claimed",
        "released",
        "claimed",
        "done",
    ]


async def test_a_stage_that_does_not_listen_is_ended_when_the_worker_must_stop(
    toy_runs: Runs, workers: Workers
) -> None:
    first = workers.start(worker_grace_seconds=0.5)
    run_id = await toy_runs.start(hold=["two"], deaf=True)
    await toy_runs.until_held()
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=30) == 0
    assert (await toy_runs.get(run_id)).attempt == 0, "stopping is not an attempt"
    toy_runs.release()
    workers.start()
    await toy_runs.until_state(run_id, "succeeded")


async def test_the_work_of_one_that_was_halted_in_the_midst_of_a_heartbeat_is_taken_over(
    toy_runs: Runs, workers: Workers
) -> None:
    first = workers.start()
    await toy_runs.start(hold=["two"], hold_again=True)
    await toy_runs.until_held()
    held = toy.stage_pid(toy_runs.folder)
    first.send_signal(signal.SIGKILL)
    first.wait()

    async def taken_over() -> bool:
        return toy.stage_pid(toy_runs.folder) != held

    async with toy_runs.database.transaction() as session:
        # Its transaction would stay open as this one does, for as long as the server lets it.
        await session.execute(text("SET LOCAL idle_in_transaction_session_timeout TO 0"))
        await session.execute(text("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat"))
        workers.start()
        await until(taken_over, "the second worker is in the midst of the stage")


@pytest.mark.parametrize("child_too", [True, False])
async def test_a_worker_that_wakes_from_a_stall_leaves_its_successor_alone_and_takes_other_work(
    toy_runs: Runs, workers: Workers, child_too: bool
) -> None:
    # The second worker alone declares others dead, so that on a busy machine the first does not do it to the second.
    first = workers.start(worker_stalled_seconds=60)
    run_id = await toy_runs.start(hold=["two"], hold_again=True)
    await toy_runs.until_held()
    held = toy.stage_pid(toy_runs.folder)
    halted = (first.pid, held) if child_too else (first.pid,)
    for pid in halted:
        os.kill(pid, signal.SIGSTOP)
    workers.start()

    async def taken_over() -> bool:
        return toy.stage_pid(toy_runs.folder) != held

    await until(taken_over, "the second worker is in the midst of the stage")
    for pid in halted:
        os.kill(pid, signal.SIGCONT)
    # The second worker is busy, so that the next run shows that the first has let go of what it held.
    next_id = await toy_runs.start()
    await toy_runs.until_state(next_id, "succeeded")
    async with toy_runs.database.transaction() as session:
        job = (
            await session.execute(
                text("""
                    SELECT status, worker_id IN (SELECT id FROM procrastinate_workers)
                    FROM procrastinate_jobs WHERE id = (SELECT job_id FROM pipeline_queue WHERE id = :run_id)
                """),
                {"run_id": run_id},
            )
        ).one()
    assert tuple(job) == ("doing", True), "the successor's job is untouched"

    async def both_listed() -> bool:
        async with toy_runs.database.transaction() as session:
            return bool(await session.scalar(text("SELECT count(*) = 2 FROM procrastinate_workers")))

    await until(both_listed, "the awakened worker is on the list again")
    toy_runs.release()
    await toy_runs.until_state(run_id, "succeeded")
    events = [event for stage, event in await toy_runs.events(run_id) if stage == "two"]
    assert events == ["claimed", "lost", "claimed", "done"]


async def test_a_worker_that_wakes_before_anybody_took_its_work_goes_on_with_it(
    toy_runs: Runs, workers: Workers
) -> None:
    first = workers.start(worker_stalled_seconds=1)
    run_id = await toy_runs.start(hold=["two"])
    await toy_runs.until_held()
    first.send_signal(signal.SIGSTOP)
    async with toy_runs.database.transaction() as session:
        await session.execute(
            text(
                "SELECT procrastinate_retry_job_v2(id, now() + interval '1 hour', NULL, NULL, NULL) FROM procrastinate_jobs"
            )
        )
        await session.execute(text("DELETE FROM procrastinate_workers"))
        await seen.forget_gone(session)
    first.send_signal(signal.SIGCONT)
    toy_runs.release()
    await toy_runs.until_state(run_id, "succeeded")
    assert [event for stage, event in await toy_runs.events(run_id) if stage == "two"] == ["claimed", "done"]

    async def introduced_again() -> bool:
        async with toy_runs.database.transaction() as session:
            return [worker.name is not None for worker in await seen.list_workers(session, alive_seconds=60.0)] == [
                True
            ]

    await until(introduced_again, "the worker says again who it is")


async def test_a_job_whose_answer_was_lost_on_the_way_to_its_worker_is_offered_again(
    toy_runs: Runs, workers: Workers
) -> None:
    run_id = await toy_runs.start()
    workers.start()
    await toy_runs.until_state(run_id, "succeeded")
    run_id = await toy_runs.start(hold=["one"])
    await toy_runs.until_held()
    waiting = await toy_runs.start()
    async with toy_runs.database.transaction() as session:
        await session.execute(
            text("""
                UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM procrastinate_workers)
                WHERE status = 'todo'
            """)
        )
    toy_runs.release()
    await toy_runs.until_state(waiting, "succeeded")
    await toy_runs.until_state(run_id, "succeeded")


async def test_more_killed_workers_than_a_stage_has_attempts_do_not_fail_it(toy_runs: Runs, workers: Workers) -> None:
    run_id = await toy_runs.start(hold=["one"])
    for kills in range(3):
        worker = workers.start(stage_max_attempts=2, worker_stalled_seconds=1)

        async def claimed(kills: int = kills) -> bool:
            return [event for _, event in await toy_runs.events(run_id)].count("claimed") == kills + 1

        await until(claimed, "the stage is claimed")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    workers.start(stage_max_attempts=2, worker_stalled_seconds=1)
    toy_runs.release()
    await toy_runs.until_state(run_id, "succeeded")
    assert [event for _, event in await toy_runs.events(run_id)].count("lost") == 3


async def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_within_seconds(
    toy_runs: Runs, workers: Workers
) -> None:
    waiting = await toy_runs.start()
    async with toy_runs.database.transaction() as session:
        run = await toy_runs.machine.cancel(session, (await toy_runs.get(waiting)).item_id)
        assert run.state == "cancelled"
        with pytest.raises(RunNotActive):
            await toy_runs.machine.cancel(session, run.item_id)
    workers.start()
    running = await toy_runs.start(hold=["one"], deaf=True)
    await toy_runs.until_held()
    item_id = (await toy_runs.get(running)).item_id
    async with toy_runs.database.transaction() as session:
        with pytest.raises(RunActive):
            await toy_runs.machine.retry(session, item_id)
        await toy_runs.machine.cancel(session, item_id)
    await toy_runs.until_state(running, "cancelled")
    assert toy.starts(toy_runs.folder) == ["one"], "the cancelled waiting run never started"


async def test_a_run_whose_job_vanished_is_queued_again(toy_runs: Runs, workers: Workers) -> None:
    run_id = await toy_runs.start()
    async with toy_runs.database.transaction() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    workers.start(worker_stalled_seconds=1)
    await toy_runs.until_state(run_id, "succeeded")
    assert ("one", "requeued") in await toy_runs.events(run_id)


async def test_a_job_whose_transaction_is_rolled_back_is_never_seen(toy_runs: Runs) -> None:
    class ChangedMyMindError(Exception):
        pass

    run = await toy_runs.get(await toy_runs.start())
    with pytest.raises(ChangedMyMindError):  # noqa: PT012 - the transaction is what is tested
        async with toy_runs.database.transaction() as session:
            await toy_runs.machine.cancel(session, run.item_id)
            await toy_runs.machine.retry(session, run.item_id)
            raise ChangedMyMindError
    async with toy_runs.database.transaction() as session:
        waiting = await session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"))
    assert waiting == 1
