"""The readiness of a database: does it take writes, and would waiting change that? Asked before this process has a pool of connections."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from echoic import wording
from echoic.db.connect import connecting
from echoic.db.urls import libpq_url
from echoic.errors import DatabaseUnavailable


class Fault(Enum):
    """Why a database takes no writes now but may do so soon, in words."""

    SILENT = "no server answers at its address"
    STARTING = "the server accepts no connections now, as it is starting, recovering or shutting down"
    READS_ALONE = "the server accepts only reads, as a standby does until it is promoted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unready:
    """A database that takes no writes at the moment."""

    fault: Fault
    detail: str | None = None
    """What the library says of the connection that did not come about."""

    def __str__(self) -> str:
        return self.fault.value if self.detail is None else f"{self.fault.value} ({self.detail})"


def why_unready(url: str) -> Unready | None:
    """Return why the database takes no writes at the moment; None where it does.

    The library tells of a refused connection in a sentence alone, in the language of the server. So the protocol is asked by
    ``PQping``, which reads the code of the refusal, and connections are tried without the wish for a primary.

    It takes up to 5 s for each host that is silent, in which no other thread of this process works: for starts alone.

    Raises DatabaseUnavailable where a server that accepts connections refuses this one: the password, the role or the
    database is wrong, or it has as many connections as it may.
    """
    try:
        return _found(url)
    except psycopg.OperationalError as error:
        return _reason(url, error)


def unreachable(error: BaseException) -> DatabaseUnavailable:
    """Return the error that tells of a connection that did not come about, by the library's reason."""
    return DatabaseUnavailable(f"The database cannot be reached: {wording.in_one_line(error)}.")


def _reason(url: str, error: psycopg.OperationalError) -> Unready | None:
    if (fault := _pinged(url)) is not None:
        return Unready(fault=fault, detail=wording.in_one_line(error))
    try:
        return _found(url, target_session_attrs="any")
    except psycopg.OperationalError as again:
        # It may have gone away between the two questions.
        if (fault := _pinged(url)) is None:
            raise unreachable(error) from error
        return Unready(fault=fault, detail=wording.in_one_line(again))


def _found(url: str, **wishes: str) -> Unready | None:
    """Return what a session finds. Raises psycopg.OperationalError where none comes about."""
    with psycopg.connect(_conninfo(url, **wishes), autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute("SELECT current_setting('transaction_read_only')::bool").fetchone()
    return Unready(fault=Fault.READS_ALONE) if row == (True,) else None


def _pinged(url: str) -> Fault | None:
    """Return what is wrong with the server; None where it accepts connections, even if not ours."""
    match Ping(PGconn.ping(_conninfo(url).encode())):
        case Ping.NO_RESPONSE:
            return Fault.SILENT
        case Ping.REJECT:
            return Fault.STARTING
        case _:
            return None


def _conninfo(url: str, **wishes: str) -> str:
    given: dict[str, Any] = connecting(pooled=False)
    return make_conninfo(libpq_url(url), **given, **wishes)
