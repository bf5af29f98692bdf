"""Requests per minute of each account, as its plan has them: counted in the database, by all servers on it together."""

from echoic.db.accounts import request_rates
from echoic.db.accounts.request_rates import MINUTE_NS
from echoic.db.connect import Database
from echoic.errors import RateLimited

SECOND_NS = 1_000_000_000


async def admit(database: Database, account_id: int, requests_per_minute: int | None) -> None:
    """Count a request. None: no limit, and the database is not asked.

    A minute's worth of requests is let through at once, and then one for each part of a minute that has passed.

    Raises RateLimited, and then the request does not count; and DatabaseUnavailable.
    """
    if requests_per_minute is None:
        return
    wait_ns = await request_rates.count(database, account_id=account_id, each_ns=MINUTE_NS // requests_per_minute)
    if wait_ns > 0:
        raise RateLimited(
            f"Too many requests: the account's plan allows {requests_per_minute} a minute.",
            retry_after_seconds=-(-wait_ns // SECOND_NS),
        )
