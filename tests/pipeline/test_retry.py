"""When a stage is tried again: by the kind of failure, each kind counted by itself."""

import pytest

from echoic import errors
from echoic.errors import EchoicError
from echoic.pipeline.retry import RetryPolicy, losses_allowed, seconds_after_loss, seconds_until_retry

POLICY = RetryPolicy(max_attempts=3, base_seconds=5.0)


@pytest.mark.parametrize(
    ("error", "earlier", "wait"),
    [
        (errors.StageCrashed(), {}, 5.0),
        (errors.StageCrashed(), {"stage_crashed": 1}, 10.0),
        (errors.StageCrashed(), {"stage_crashed": 2}, None),
        (errors.StageCrashed(), {"stage_internal_error": 2}, None),
        (errors.StageCrashed(), {"storage_unavailable": 9, "engine_unreachable": 9}, 5.0),
        (errors.StorageUnavailable(), {"stage_crashed": 2}, 5.0),
        (errors.StorageUnavailable(), {"database_unavailable": 13}, 300.0),
        (errors.StorageUnavailable(), {"database_unavailable": 14}, None),
        (errors.EngineUnreachable(), {"storage_unavailable": 1}, 10.0),
        (errors.DecoderNotStarted(), {"storage_unavailable": 13}, 300.0),
        (errors.DecoderNotStarted(), {"decoder_not_started": 14}, None),
        (errors.DecoderLost(), {"decoder_not_started": 9}, 5.0),
        (errors.EngineFailed(), {"engine_unreachable": 5}, 5.0),
        (errors.EngineFailed(), {"engine_failed": 1}, None),
        (errors.StageInternalError(), {"a_code_of_a_newer_version": 7}, 5.0),
        (errors.MediaUnreadable(), {}, None),
        (errors.ValueNotStorable(), {}, None),
    ],
)
def test_failures_of_one_kind_count_together_and_not_for_another(
    error: EchoicError, earlier: dict[str, int], wait: float | None
) -> None:
    assert seconds_until_retry(error, earlier=earlier, policy=POLICY) == wait


def test_the_first_losses_cost_no_wait_and_further_ones_growing_waits() -> None:
    waits = [seconds_after_loss(losses, POLICY) for losses in range(1, losses_allowed(POLICY.max_attempts))]
    assert waits[:7] == [0.0, 0.0, 0.0, 5.0, 10.0, 20.0, 40.0]
    assert waits[-1] == 300.0
    assert sum(waits) > 3_600, "whoever repairs a machine within the hour finds the run alive"
