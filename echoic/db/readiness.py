"""The readiness of a database: does it take writes, and would waiting change that? Asked before this process has a pool of connections."""

import socket
from enum import Enum
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PGconn, Ping

from echoic import wording
from echoic.db.connect import connecting
from echoic.db.urls import libpq_url
from echoic.errors import DatabaseUnavailable


class Fault(Enum):
    """Why a database takes no writes now but may do so soon, in words."""

    SILENT = "no server answers there"
    STARTING = "the server takes no connections yet, as one that starts, recovers or shuts down"
    READS_ALONE = "it takes reads alone, as a standby does until it is promoted"


def fault(url: str) -> Fault | None:
    """Return why the database takes no writes at the moment; None where it does.

    The library tells of a refused connection in a sentence alone, in the language of the server. So the protocol is asked by
    ``PQping``, which reads the code of the refusal, and connections are tried without the wish for a primary.

    It takes up to 5 s for each host that is silent, in which no other thread of this process works: for starts alone.

    Raises DatabaseUnavailable where waiting helps nobody: the password, the role, the database or the host is wrong.
    """
    try:
        return _found(url)
    except psycopg.OperationalError as error:
        return _fault_of(url, error)


def unreachable(error: BaseException) -> DatabaseUnavailable:
    """Return the error that tells of a connection that did not come about, by the library's reason."""
    return DatabaseUnavailable(f"The database cannot be reached: {wording.in_one_line(error)}.")


def _fault_of(url: str, error: psycopg.OperationalError) -> Fault | None:
    if (found := _pinged(url)) is not None:
        if found is Fault.SILENT and _leads_nowhere(url):
            raise unreachable(error) from error
        return found
    try:
        return _found(url, target_session_attrs="any")
    except psycopg.OperationalError:
        # It may have gone away between the two questions.
        if (found := _pinged(url)) is not None:
            return found
        raise unreachable(error) from error


def _found(url: str, **wishes: str) -> Fault | None:
    """Return what a session finds. Raises psycopg.OperationalError where none comes about."""
    with psycopg.connect(_conninfo(url, **wishes), autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute("SELECT current_setting('transaction_read_only')::bool").fetchone()
    return Fault.READS_ALONE if row == (True,) else None


def _pinged(url: str) -> Fault | None:
    """Return what is wrong with the server; None where it lets people in, be it others."""
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


def _leads_nowhere(url: str) -> bool:
    """Return whether there is neither a machine of that name nor a folder for that socket, for none of the hosts."""
    given = conninfo_to_dict(libpq_url(url))
    hosts = str(given.get("host") or "").split(",")
    return "hostaddr" not in given and all(map(_is_nowhere, hosts))


def _is_nowhere(host: str) -> bool:
    if host.startswith("/"):
        return not Path(host).is_dir()
    if not host:
        return False
    try:
        socket.getaddrinfo(host, None)
    except socket.gaierror as error:
        return error.errno != socket.EAI_AGAIN
    return False
