"""Decides whether a failed stage is tried again, and when. By the class of the error, never by its text. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from echoic.errors import (
    DecoderNotStarted,
    EchoicError,
    EngineFailed,
    EngineUnreachable,
    StageFailed,
    Unavailable,
    all_errors,
)

LONGEST_WAIT_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """The numbers of tries of an installation, and the waits between them."""

    max_attempts: int
    base_seconds: float


# An outage is nobody's fault and passes: it gets this many times the attempts of a failure of the stage itself.
OUTAGE_PATIENCE = 5
# An engine that failed twice on the same audio will fail a third time.
ENGINE_ATTEMPTS = 2

# A worker that went away says nothing of the stage: it, its machine or the database may have been killed. Only a stage
# that takes a whole machine with it every time is to end some day.
LOSS_PATIENCE = 8
"""So many times the attempts of a failure may be lost in a row, without a checkpoint in between."""
LOSSES_AT_ONCE = 3
"""So many are taken up again without a wait."""


def seconds_until_retry(error: EchoicError, *, earlier: Mapping[str, int], policy: RetryPolicy) -> float | None:
    """Return seconds to wait before the next attempt; None to give up.

    ``earlier`` counts the failures of the stage before this one by the code of their error. Those of one kind, outages,
    the engine's and others, count together, and not for another kind.
    """
    if not error.retryable:
        return None
    kind = _kind(type(error))
    classes = all_errors()
    failures = 1 + sum(count for code, count in earlier.items() if code in classes and _kind(classes[code]) == kind)
    if failures >= _attempts_allowed(kind, policy):
        return None
    return min(policy.base_seconds * 2.0 ** (failures - 1), LONGEST_WAIT_SECONDS)


def losses_allowed(max_attempts: int) -> int:
    """Return the number of lost workers in a row at which a stage fails for good.

    A worker is lost when it goes away while it runs the stage. ``max_attempts`` is the limit for failures of the stage.
    """
    return max_attempts * LOSS_PATIENCE


def seconds_after_loss(losses: int, policy: RetryPolicy) -> float:
    """Return seconds to wait before a stage that has lost so many workers in a row is given to another."""
    if losses <= LOSSES_AT_ONCE:
        return 0.0
    return min(policy.base_seconds * 2.0 ** (losses - LOSSES_AT_ONCE - 1), LONGEST_WAIT_SECONDS)


_Kind = Literal["outage", "engine", "stage", "other"]


def _kind(error: type[EchoicError]) -> _Kind:
    if issubclass(error, Unavailable | EngineUnreachable | DecoderNotStarted):
        return "outage"
    if issubclass(error, EngineFailed):
        return "engine"
    return "stage" if issubclass(error, StageFailed) else "other"


def _attempts_allowed(kind: _Kind, policy: RetryPolicy) -> int:
    if kind == "outage":
        return policy.max_attempts * OUTAGE_PATIENCE
    if kind == "engine":
        return min(policy.max_attempts, ENGINE_ATTEMPTS)
    return policy.max_attempts if kind == "stage" else 1
