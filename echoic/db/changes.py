"""The changes that the database tells while they are committed, by LISTEN and NOTIFY.

Triggers on items, runs, edits, datasets, libraries and memberships send them (migrations 0027 and 0032). What nobody listened to is lost.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg

from echoic.db.connect import Database, connecting
from echoic.db.urls import libpq_url
from echoic.errors import DatabaseUnavailable

CHANNEL = "echoic_changes"


class GoneItem(NamedTuple):
    """An item that was deleted, or moved out of a dataset; where it was and in which state."""

    id: int
    dataset_id: int
    library_id: int
    status: str


@dataclass(kw_only=True, slots=True)
class Changes:
    """The ids of the rows that have changed."""

    items: set[int] = field(default_factory=set)
    """Items of which more has changed than the work on them, or that are new."""
    work: set[int] = field(default_factory=set)
    """Items on which work goes on."""
    gone: set[GoneItem] = field(default_factory=set)
    libraries: set[int] = field(default_factory=set)
    """Libraries that lost a dataset."""
    accounts: set[int] = field(default_factory=set)
    """Accounts whose memberships have changed."""
    everybody: bool = False
    """True where a library was deleted, or its visibility changed."""

    def add(self, told: str) -> None:
        """Take one notification; one of a newer release that is not known is passed over."""
        kind, *rest = told.split(" ")
        if kind == "gone" and len(rest) == len(GoneItem._fields):
            self.gone.add(GoneItem(int(rest[0]), int(rest[1]), int(rest[2]), rest[3]))
        elif kind == "everybody":
            self.everybody = True
        elif kind in (
            named := {"item": self.items, "work": self.work, "library": self.libraries, "account": self.accounts}
        ):
            named[kind].update(map(int, rest))


class ChangeFeed:
    """The notifications of one connection."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    async def take(self, changes: Changes, *, wait_seconds: float) -> None:
        """Add what is told next; return without it after so many seconds. Raises DatabaseUnavailable."""
        try:
            told = self._connection.notifies(timeout=wait_seconds, stop_after=1)
            async with aclosing(told):
                async for one in told:
                    changes.add(one.payload)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseUnavailable from error


@asynccontextmanager
async def listen(database: Database) -> AsyncIterator[ChangeFeed]:
    """Hear every change that is committed from now on, by a connection of its own. Raises DatabaseUnavailable."""
    try:
        connection = await psycopg.AsyncConnection.connect(
            libpq_url(database.direct_url),
            autocommit=True,
            **connecting(pooled=False),
        )
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailable from error
    try:
        await _begin(connection)
        yield ChangeFeed(connection)
    finally:
        await connection.close()


async def _begin(connection: psycopg.AsyncConnection) -> None:
    try:
        await connection.execute(f"LISTEN {CHANNEL}")
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailable from error
