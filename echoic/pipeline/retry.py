"""Decides whether a failed stage is tried again, and when. By the class of the error, never by its text. Pure."""

from dataclasses import dataclass

from echoic.errors import EchoicError, EngineFailed, EngineUnreachable, StageFailed, Unavailable

LONGEST_WAIT_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often, and how soon, an installation tries again."""

    max_attempts: int
    base_seconds: float


# An outage is nobody's fault and passes: it gets this many times the attempts of a failure of the stage itself.
OUTAGE_PATIENCE = 5
# An engine that failed twice on the same audio will fail a third time.
ENGINE_ATTEMPTS = 2


def seconds_until_retry(error: EchoicError, *, attempt: int, policy: RetryPolicy) -> float | None:
    """Seconds to wait before the next attempt after the given one (from 1) failed; None to give up."""
    if not error.retryable:
        return None
    if attempt >= _attempts_allowed(error, policy):
        return None
    return min(policy.base_seconds * 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS)


def _attempts_allowed(error: EchoicError, policy: RetryPolicy) -> int:
    if isinstance(error, Unavailable | EngineUnreachable):
        return policy.max_attempts * OUTAGE_PATIENCE
    if isinstance(error, EngineFailed):
        return min(policy.max_attempts, ENGINE_ATTEMPTS)
    if isinstance(error, StageFailed):
        return policy.max_attempts
    return 1
