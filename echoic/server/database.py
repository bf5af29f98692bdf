"""The database that a process works on: one given by a setting, or the embedded one, found running or started."""

from collections.abc import Iterator
from contextlib import contextmanager

from echoic.db import migrate
from echoic.db.connect import Database, checked_url
from echoic.errors import StartupFailed
from echoic.postgres import ROLE, EmbeddedPostgres, attach
from echoic.settings import Settings


@contextmanager
def own_database(settings: Settings) -> Iterator[str]:
    """Yield the URL of the database, with this version's schema: the external one, or the embedded one.

    The embedded one runs for the length of the block. Its owner changes the schema and is shut out before the yield.
    """
    if settings.database_url is not None:
        url = checked_url(settings.database_url.get_secret_value())
        migrate.upgrade(url)
        yield url
        return
    with EmbeddedPostgres(settings) as server:
        migrate.upgrade(server.owner_url, program_role=ROLE)
        server.shut_owner_out()
        yield server.url


@contextmanager
def bare_database(settings: Settings) -> Iterator[tuple[str, str | None]]:
    """Yield the URL of the database for its owner, without touching its schema, and the role that is to use the tables.

    The embedded one runs for the length of the block; of an external one the role is None: that of its URL uses them.
    """
    if settings.database_url is not None:
        yield checked_url(settings.database_url.get_secret_value()), None
        return
    with EmbeddedPostgres(settings) as server:
        yield server.owner_url, ROLE


def found_database(settings: Settings) -> str:
    """Return the URL of the external database, or of the embedded one that a running server has started.

    Raises StartupFailed where neither is there.
    """
    if settings.database_url is not None:
        return checked_url(settings.database_url.get_secret_value())
    return attach(settings)


@contextmanager
def any_database(settings: Settings) -> Iterator[str]:
    """Yield the URL of ``found_database``, or else of the embedded one, started for the length of the block."""
    try:
        url = found_database(settings)
    except StartupFailed:
        with own_database(settings) as own_url:
            yield own_url
    else:
        yield url


def open_database(settings: Settings, url: str) -> Database:
    """Return a connection pool on the database."""
    return Database(url, pool_size=settings.database_pool_size)
