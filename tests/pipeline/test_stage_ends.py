"""Every way in which a stage can end is an end of the stage: done, or a failure that the item names. None is silence."""

import pytest

from echoic.db.items import items
from echoic.db.runs import runs
from tests.pipeline import toy
from tests.pipeline.conftest import MAX_ATTEMPTS, Runs

pytestmark = pytest.mark.processes

UNEXPECTED = {
    "surprise": "KeyError, while it ran",
    "leave": "SystemExit, while it ran",
    "cancelled_within": "CancelledError, while it ran",
    "bad_write": "ZeroDivisionError, while its output was stored",
    "bad_statement": "IntegrityError, while its output was stored",
    "bad_commit": "IntegrityError, while its output was stored",
}
NOT_STORABLE = {
    "not_a_number": "The value of 'words[1].score' is nan, not a finite number.",
    "nul": "The value of 'text' has a NUL character.",
    "half_a_pair": "The value of 'text' has half a surrogate pair.",
    "unknown_type": "The value of 'answer' is of the type object, which JSON does not know.",
    "endless_audio": "The seconds of audio worked on are inf, not a finite number.",
    "bad_checkpoint": "The value of 'end' is inf, not a finite number.",
    "bad_progress": "The progress of the stage 'two' is nan, not a finite number.",
}


@pytest.mark.parametrize("end", UNEXPECTED)
async def test_what_nobody_expected_is_tried_again_and_then_a_failure_of_the_stage(shared_runs: Runs, end: str) -> None:
    run_id = await shared_runs.start(fail={"two": [end, 9]})
    run = await shared_runs.until_state(run_id, "failed")
    assert (run.error_code, run.error_stage) == ("stage_internal_error", "two")
    assert run.error_message is not None
    assert UNEXPECTED[end] in run.error_message
    assert toy.starts(shared_runs.folder) == ["one", *["two"] * MAX_ATTEMPTS]
    async with shared_runs.database.transaction() as session:
        item = await items.get_item(session, run.item_id)
        assert await runs.stage_result(session, run_id, "two") is None, "a failed commit leaves no trace"
    assert item is not None
    assert (item.status, item.error_code, item.error_stage) == ("failed", "stage_internal_error", "two")


@pytest.mark.parametrize("end", ["bad_write", "bad_commit", "cancelled_within", "cancelled_without"])
async def test_a_stage_that_is_mended_by_another_try_goes_on(shared_runs: Runs, end: str) -> None:
    run_id = await shared_runs.start(fail={"two": [end, 1]})
    await shared_runs.until_state(run_id, "succeeded")
    assert toy.starts(shared_runs.folder) == ["one", "two", "two", "extra", "three"]


@pytest.mark.parametrize("end", NOT_STORABLE)
async def test_output_that_cannot_be_stored_fails_at_once_and_says_what_is_wrong_with_it(
    shared_runs: Runs, end: str
) -> None:
    run_id = await shared_runs.start(fail={"two": [end, 9]})
    run = await shared_runs.until_state(run_id, "failed")
    assert (run.error_code, run.error_message) == ("value_not_storable", NOT_STORABLE[end])
    assert toy.starts(shared_runs.folder) == ["one", "two"]


async def test_a_child_whose_work_is_cancelled_dies_and_that_is_an_end(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(fail={"two": ["cancelled_without", 9]})
    run = await shared_runs.until_state(run_id, "failed")
    assert run.error_code == "stage_crashed"
    assert run.error_message is not None
    assert "exit code 70" in run.error_message


async def test_a_clean_up_that_fails_after_the_commit_takes_nothing_back(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(fail={"two": ["bad_clean_up", 9]})
    await shared_runs.until_state(run_id, "succeeded")
    assert toy.starts(shared_runs.folder) == ["one", "two", "extra", "three"]


@pytest.mark.parametrize("end", ["bad_write", "not_a_number"])
async def test_an_optional_stage_whose_output_cannot_be_stored_is_left_out(shared_runs: Runs, end: str) -> None:
    run_id = await shared_runs.start(fail={"extra": [end, 9]})
    await shared_runs.until_state(run_id, "succeeded")
    async with shared_runs.database.transaction() as session:
        result = await runs.stage_result(session, run_id, "extra")
    assert result is not None
    assert result.outcome == "failed"


async def test_a_message_of_any_length_and_content_is_stored(shared_runs: Runs) -> None:
    run_id = await shared_runs.start(fail={"two": ["odd_message", 9]})
    run = await shared_runs.until_state(run_id, "failed")
    assert run.error_code == "media_unreadable"
    assert run.error_message is not None
    assert run.error_message.startswith("a\N{REPLACEMENT CHARACTER}b?cddd")
    assert len(run.error_message) == 2_000
