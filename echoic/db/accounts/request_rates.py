"""Recent requests of accounts whose plans limit them: a row an account, which all servers write."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from echoic.db.base import Base
from echoic.db.connect import Database
from echoic.db.reads import Query

MINUTE_NS = 60_000_000_000
CLOCK_TOLERANCE_NS = MINUTE_NS
"""No row lies further ahead than a minute. One that lies further ahead than this beyond it was written before the clock of
the database was set back, and would shut the account out until the clock has caught up."""


class RequestRate(Base):
    """The requests of one account, as one moment.

    ``until_ns`` is the moment until which they would have lasted had they come evenly, in nanoseconds since 1970 by the clock
    of the database. Plans allow up to a thousand million a minute, of which each is worth less than the microsecond in which
    PostgreSQL counts time.

    The table is not logged, so counting waits for neither a disk nor a standby. It is kept when the database is restarted,
    and empty after a crash and on a standby that was promoted: everybody begins afresh there.
    """

    __tablename__ = "request_rates"
    # Half of each page is left for the next versions of its rows, so that no update writes to the index.
    __table_args__ = {"prefixes": ["UNLOGGED"], "postgresql_with": {"fillfactor": 50}}  # noqa: RUF012 - as SQLAlchemy asks

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    until_ns: Mapped[int]


_ACCOUNT = bindparam("account_id", type_=BigInteger())
_EACH = bindparam("each_ns", type_=BigInteger())
_MINUTE: ColumnElement[int] = literal_column(str(MINUTE_NS), BigInteger())
_TOO_FAR: ColumnElement[int] = literal_column(str(MINUTE_NS + CLOCK_TOLERANCE_NS), BigInteger())
_NOW: ColumnElement[int] = cast(extract("epoch", func.now()) * literal_column("1000000000"), BigInteger())


def _counting() -> ReturningInsert[Any]:
    first = insert(RequestRate).values(account_id=_ACCOUNT, until_ns=_NOW + _EACH)
    now = first.excluded.until_ns - _EACH
    is_of_another_clock = RequestRate.until_ns > now + _TOO_FAR
    further = func.greatest(RequestRate.until_ns + _EACH, first.excluded.until_ns)
    return first.on_conflict_do_update(
        index_elements=["account_id"],
        set_={"until_ns": case((is_of_another_clock, first.excluded.until_ns), else_=further)},
        where=or_(RequestRate.until_ns + _EACH <= now + _MINUTE, is_of_another_clock),
    ).returning(RequestRate.account_id)


# Made once: every request of an account with a limit asks it.
_COUNT = Query(_counting())
_WAIT = Query(select(RequestRate.until_ns + _EACH - _MINUTE - _NOW).where(RequestRate.account_id == _ACCOUNT))


async def count(database: Database, *, account_id: int, each_ns: int) -> int:
    """Count a request of an account, of which each is worth so many nanoseconds, at most a minute; or find it too early.

    Returns 0 where it was counted; else the nanoseconds to wait, at least 1, and nothing is counted.

    The generic cell rate algorithm (ITU-T I.371) in one statement, which is a transaction of its own: the row is locked for no
    longer. The wait is a second statement, since the first sees of a row that others have just written only what it locks.

    Raises DatabaseUnavailable.
    """
    given = {"account_id": account_id, "each_ns": each_ns}
    if await database.write(_COUNT, **given):
        return 0
    waits: list[int] = [wait for (wait,) in await database.read(_WAIT, **given)]
    return max([1, *waits])
