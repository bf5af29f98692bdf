"""The schedule by which a message that did not arrive is sent again. Pure."""

import random

WAITS_SECONDS = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Before the second attempt, the third, and so on: the schedule that Standard Webhooks 1.0.0 gives as its example. Ten
attempts thus take a little more than three days."""
MAX_ATTEMPTS = len(WAITS_SECONDS) + 1
JITTER = 0.1
"""Waits are longer or shorter by up to this part, so that messages that failed together do not come back together."""
LONGEST_ASKED_SECONDS = 86_400.0
"""A receiver that wants to be left alone for longer is left alone for so long."""


def next_wait_seconds(attempts: int, retry_after_seconds: float | None = None) -> float | None:
    """Return how long to wait after so many attempts; None where none is left. A receiver may ask for more time, not less."""
    if attempts >= MAX_ATTEMPTS:
        return None
    wait = WAITS_SECONDS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret hangs on it
    return max(wait, min(retry_after_seconds or 0.0, LONGEST_ASKED_SECONDS))
