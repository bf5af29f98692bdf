"""What every long-lived command does first: read the settings, set up logs, find the database."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from echoic import settings as configuration
from echoic.db import migrate
from echoic.db.connect import Database, judged_url
from echoic.errors import EchoicError, StartupFailed
from echoic.logs import configure_logging
from echoic.postgres import ROLE, EmbeddedPostgres, attach
from echoic.settings import Settings

EXIT_FAILED = 1


@contextmanager
def reported() -> Iterator[None]:
    """Turn an error of ours into one line on standard error and exit code 1."""
    try:
        yield
    except EchoicError as error:
        typer.echo(f"echoic: {error.message}", err=True)
        raise typer.Exit(EXIT_FAILED) from error


def read_settings() -> Settings:
    """The settings of this process, with the logs set up by them; wrong ones end the command."""
    with reported():
        settings = configuration.read_settings()
    configure_logging(settings)
    return settings


@contextmanager
def own_database(settings: Settings) -> Iterator[str]:
    """The URL of the database, with this version's schema: the external one, or the embedded one, which is started for
    the length of the block and changed by its owner, whom nobody can be afterwards.
    """
    if settings.database_url is not None:
        url = judged_url(settings.database_url.get_secret_value())
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
        return judged_url(settings.database_url.get_secret_value())
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
