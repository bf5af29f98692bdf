"""Requests per minute of each share link. They guard the process that answers, so each process counts for itself."""

import time
from collections import OrderedDict
from collections.abc import Callable

from echoic.errors import RateLimited

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
MAX_LINKS = 100_000
"""Links remembered at once, some 20 MB; beyond, the one that was idle longest starts afresh."""


class RateLimiter:
    """Lets a minute's worth of requests for a link through at once, and then one for each part of a minute that has passed.

    The generic cell rate algorithm (ITU-T I.371), as ``db/accounts/request_rates.py`` has it for accounts.
    """

    def __init__(
        self, per_minute: int, clock_ns: Callable[[], int] = time.monotonic_ns, *, max_links: int = MAX_LINKS
    ) -> None:
        self._per_minute = per_minute
        self._clock_ns = clock_ns
        self._max_links = max_links
        self._until: OrderedDict[int, int] = OrderedDict()

    def __len__(self) -> int:
        """Links that are remembered."""
        return len(self._until)

    def admit(self, share_id: int) -> None:
        """Count a request; raises RateLimited, and then it does not count."""
        now = self._clock_ns()
        until = max(self._until.get(share_id, now), now) + MINUTE_NS // self._per_minute
        wait = until - MINUTE_NS - now
        if wait > 0:
            raise RateLimited(
                f"Too many requests: each link is answered {self._per_minute} times a minute.",
                retry_after_seconds=-(-wait // SECOND_NS),
            )
        self._until[share_id] = until
        self._until.move_to_end(share_id)
        self._forget(now)

    def _forget(self, now: int) -> None:
        while len(self._until) > self._max_links or next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
