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
    """The URL of the database, with this version's schema: the external one, or the embedded one, which is started for
    the length of the block and changed by its owner, whom nobody can be afterwards.
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


def found_database(settings: Settings) -> str:
    """The URL of the database that is there: the external one, or the one a running server has started."""
    if settings.database_url is not None:
        return checked_url(settings.database_url.get_secret_value())
    return attach(settings)


@contextmanager
def any_database(settings: Settings) -> Iterator[str]:
    """The URL of the database that is there, or else of the embedded one started for the length of the block."""
    try:
        url = found_database(settings)
    except StartupFailed:
        with own_database(settings) as own_url:
            yield own_url
    else:
        yield url


def open_database(settings: Settings, url: str) -> Database:
    """A connection pool on the database."""
    return Database(url, pool_size=settings.database_pool_size)
