"""Requests per minute of each account, as its plan has them. Counted in this process: several API processes count each
for itself, and a restart sets all counts to zero.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from echoic.errors import RateLimited

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
MAX_ACCOUNTS = 100_000
"""Accounts remembered at once, some 20 MB; beyond, the one that was idle longest starts afresh."""


class RateLimiter:
    """Lets a minute's worth of requests through at once, and then one for each part of a minute that has passed.

    The generic cell rate algorithm (ITU-T I.371): what is kept of an account is the one moment until which its requests
    so far would have lasted had they come evenly.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns, *, max_accounts: int = MAX_ACCOUNTS) -> None:
        self._clock_ns = clock_ns
        self._max_accounts = max_accounts
        self._until: OrderedDict[int, int] = OrderedDict()

    def __len__(self) -> int:
        """Accounts that are remembered."""
        return len(self._until)

    def admit(self, account_id: int, requests_per_minute: int | None) -> None:
        """Count a request; raises RateLimited, and then it does not count. None: no limit."""
        if requests_per_minute is None:
            return
        now = self._clock_ns()
        until = max(self._until.get(account_id, now), now) + MINUTE_NS // requests_per_minute
        wait = until - MINUTE_NS - now
        if wait > 0:
            raise RateLimited(
                f"Too many requests: the account's plan allows {requests_per_minute} a minute.",
                retry_after_seconds=-(-wait // SECOND_NS),
            )
        self._until[account_id] = until
        self._until.move_to_end(account_id)
        self._forget(now)

    def _forget(self, now: int) -> None:
        while len(self._until) > self._max_accounts or next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
