"""Waits until a feed is asked again. Pure but for the dice, which spread the feeds of one host over time."""

import random
import statistics
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

SHORTEST_SECONDS = 15 * 60.0
LONGEST_SECONDS = 24 * 3600.0
LONGEST_WAIT_SECONDS = 7 * 24 * 3600.0
"""Longer than that nobody is kept from asking, whatever a host says."""
DATES = 12
"""The number of newest episodes whose dates count."""
ASKED_PER_EPISODE = 12
"""Between two episodes a feed is asked about so often: a weekly one every 14 hours, a daily one every two."""
SLEEPING_GAPS = 10
"""A podcast that has been silent for so many of its usual gaps is asked once a day."""
JITTER = 0.1
FIRST_RETRY_SECONDS = 300.0


def seconds_until_next(dates: Sequence[datetime], now: datetime, *, ttl_minutes: float | None = None) -> float:
    """Return how long to wait after a feed was read whose newest episodes have these dates, the newest first."""
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(dates)]
    gaps = [gap for gap in gaps if gap > 0]
    if not gaps:
        seconds = 4 * 3600.0
    else:
        usual = statistics.median(gaps)
        silent = (now - dates[0]).total_seconds()
        seconds = LONGEST_SECONDS if silent > usual * SLEEPING_GAPS else usual / ASKED_PER_EPISODE
    seconds = max(seconds, (ttl_minutes or 0) * 60)
    return min(_spread(max(seconds, SHORTEST_SECONDS)), LONGEST_SECONDS)


def seconds_after_failure(failed_in_a_row: int, *, told_seconds: float | None = None) -> float:
    """Return how long to wait after so many failures; at least as long as the host has said, within reason."""
    seconds = min(FIRST_RETRY_SECONDS * 2.0 ** min(failed_in_a_row - 1, 20), LONGEST_SECONDS)
    return _spread(max(seconds, min(told_seconds or 0.0, LONGEST_WAIT_SECONDS)))


def _spread(seconds: float) -> float:
    return seconds * (1 + random.uniform(0, JITTER))  # noqa: S311 - no secret
