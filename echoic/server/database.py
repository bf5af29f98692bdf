"""The database that a process works on: one given by a setting, or the embedded one, found running or started."""

from collections.abc import Iterator
from contextlib import contextmanager

from echoic.db import migrate
from echoic.db.connect import Database, leads_through_pool
from echoic.db.urls import checked_url
from echoic.errors import DataDirUnusable, SettingInvalid, StartupFailed
from echoic.logs import get_logger
from echoic.postgres import ROLE, EmbeddedPostgres, attach, has_cluster
from echoic.server.patience import Patience
from echoic.settings import Settings

logger = get_logger(__name__)


@contextmanager
def own_database(settings: Settings) -> Iterator[str]:
    """Yield the URL of the database, with this version's schema: the external one, or the embedded one.

    The embedded one runs for the length of the block. Its owner changes the schema and is shut out before the yield. An external
    one is waited for. Raises DatabaseNotReady.
    """
    url = external_database(settings)
    if url is not None:
        owner = owner_url(settings, url)
        patience = patience_with(settings, owner)
        patience.until_it_takes_writes()
        patience.through(lambda: migrate.upgrade(owner))
        patience.through(lambda: warn_of_pool(settings, url))
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
    url = external_database(settings)
    if url is not None:
        yield owner_url(settings, url), None
        return
    with EmbeddedPostgres(settings) as server:
        yield server.owner_url, ROLE


def found_database(settings: Settings) -> str:
    """Return the URL of the external database, or of the embedded one that a running server has started.

    Raises StartupFailed where neither is there.
    """
    return external_database(settings) or attach(settings)


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


def require_installation(settings: Settings) -> None:
    """Raise DataDirUnusable where an embedded database would have to be made first: whoever asks means another folder."""
    if external_database(settings) is None and not has_cluster(settings):
        raise DataDirUnusable(
            f"There is no installation in the data folder {settings.data_dir}. ECHOIC_DATA_DIR names the folder of the one that is "
            "meant; 'echoic serve' makes a new one."
        )


def external_database(settings: Settings) -> str | None:
    """Return the URL of the external database; None where the embedded one is to be used. Raises SettingInvalid."""
    given = settings.database_url
    direct = settings.direct_database_url
    if given is None:
        if direct is not None:
            raise SettingInvalid(
                "ECHOIC_DATABASE_DIRECT_URL leads to the database of ECHOIC_DATABASE_URL past a connection pool; set that one, too."
            )
        return None
    if direct is not None:
        checked_url(direct, "ECHOIC_DATABASE_DIRECT_URL")
    return checked_url(given.get_secret_value())


def patience_with(settings: Settings, url: str) -> Patience:
    """Return the patience that a start has with its database."""
    return Patience(url, seconds=settings.database_start_wait_seconds)


def owner_url(settings: Settings, url: str) -> str:
    """Return the URL by which an external database's schema is changed, which no connection pool lies before."""
    return settings.direct_database_url or url


def warn_of_pool(settings: Settings, url: str) -> None:
    """Log a warning where the database is reached through a pool that no setting tells of. Raises DatabaseUnavailable."""
    if settings.direct_database_url is None and leads_through_pool(url):
        logger.warning(
            "database_pooled",
            why="ECHOIC_DATABASE_URL leads through a connection pool. If it gives each transaction another session, statements "
            "fail and nobody is told of new jobs.",
            advice="Set ECHOIC_DATABASE_DIRECT_URL to the database past the pool.",
        )


def open_database(settings: Settings, url: str) -> Database:
    """Return a connection pool on the database."""
    return Database(url, pool_size=settings.database_pool_size, direct_url=settings.direct_database_url)
