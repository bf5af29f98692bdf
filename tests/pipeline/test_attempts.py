"""What one worker makes of stages that succeed, fail, or die with their process: how often they are tried, what follows."""

import os
import signal

import pytest

from echoic.db.runs import runs
from tests.pipeline import toy
from tests.pipeline.conftest import Runs

pytestmark = pytest.mark.processes

ALL = ["one", "two", "extra", "three"]


async def test_a_run_goes_through_its_stages_in_order_and_passes_over_empty_places(shared_runs: Runs) -> None:
    run_id = await shared_runs.start()
    run = await shared_runs.until_state(run_id, "succeeded")
    assert toy.starts(shared_runs.folder) == ALL
    assert run.finished_at is not None
    assert run.claim is None
    async with shared_runs.database.transaction() as session:
        results = await runs.list_results(session, run_id)
    assert [(result.stage, result.outcome, result.output["parts"]) for result in results] == [
        (stage, "done", 3) for stage in ALL
    ]


async def test_a_stage_process_that_is_killed_costs_one_attempt_and_not_the_run(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(hold=["two"])
    await shared_runs.until_held()
    shared_runs.release()
    os.kill(toy.stage_pid(shared_runs.folder), signal.SIGKILL)
    await shared_runs.until_state(run_id, "succeeded")
    assert ("two", "retry") in await shared_runs.events(run_id) or toy.starts(shared_runs.folder) == ALL


async def test_a_stage_that_keeps_killing_its_process_ends_in_a_visible_failure(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(fail={"two": ["crash", 99]})
    run = await shared_runs.until_state(run_id, "failed")
    assert (run.error_code, run.error_stage) == ("stage_crashed", "two")
    assert run.error_message is not None
    assert "exit code 3" in run.error_message
    assert toy.starts(shared_runs.folder) == ["one", "two", "two", "two"]


async def test_a_decoder_that_is_killed_each_time_fails_the_run_in_the_end(shared_runs: Runs) -> None:
    once = await shared_runs.start(fail={"one": ["decoder_lost", 1]})
    await shared_runs.until_state(once, "succeeded")
    always = await shared_runs.start(fail={"two": ["decoder_lost", 99]})
    run = await shared_runs.until_state(always, "failed")
    assert (run.error_code, run.error_stage) == ("decoder_lost", "two")
    assert [event for stage, event in await shared_runs.events(always) if stage == "two"] == [
        *("claimed", "retry", "claimed", "retry"),
        *("claimed", "failed"),
    ]


async def test_a_failure_that_may_pass_is_tried_again(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(fail={"two": ["storage_unavailable", 2]})
    await shared_runs.until_state(run_id, "succeeded")
    assert toy.starts(shared_runs.folder) == ["one", "two", "two", "two", "extra", "three"]


async def test_a_failure_for_good_ends_the_run_at_once_and_a_retry_resumes_at_that_stage(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(fail={"two": ["media_unreadable", 1]})
    run = await shared_runs.until_state(run_id, "failed")
    assert (run.error_code, run.error_stage) == ("media_unreadable", "two")
    async with shared_runs.database.transaction() as session:
        await shared_runs.machine.retry(session, run.item_id)
    await shared_runs.until_state(run_id, "succeeded")
    assert toy.starts(shared_runs.folder) == ["one", "two", "two", "extra", "three"]


async def test_an_unexpected_exception_becomes_a_failure_that_names_no_secrets(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(fail={"two": ["surprise", 9]})
    run = await shared_runs.until_state(run_id, "failed")
    assert run.error_code == "stage_internal_error"
    assert run.error_message is not None
    assert "nobody expected this" not in run.error_message


async def test_a_run_goes_on_without_an_optional_stage(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(fail={"extra": ["media_unreadable", 9]})
    run = await shared_runs.until_state(run_id, "succeeded")
    async with shared_runs.database.transaction() as session:
        result = await runs.stage_result(session, run_id, "extra")
    assert result is not None
    assert (result.outcome, result.error_code) == ("failed", "media_unreadable")
    assert run.error_code is None
