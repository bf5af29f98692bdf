"""The first step of every command that works on this machine: read the settings and set up the logs."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from echoic import settings as configuration
from echoic.errors import DatabaseNotReady, EchoicError
from echoic.logs import configure_logging
from echoic.settings import Settings

EXIT_FAILED = 1
EXIT_NOT_READY = 3
"""As ``ExitCode.UNREACHABLE``, which comes with a client of HTTP that a server and a worker need not load."""


@contextmanager
def reported() -> Iterator[None]:
    """Turn an error of ours into one line on standard error and exit code 1, or 3 where it gave up waiting for its database."""
    try:
        yield
    except EchoicError as error:
        typer.echo(f"echoic: {error.message}", err=True)
        raise typer.Exit(EXIT_NOT_READY if isinstance(error, DatabaseNotReady) else EXIT_FAILED) from error


def read_settings() -> Settings:
    """Read the settings of this process and set up its logs by them; wrong settings end the command."""
    with reported():
        settings = configuration.read_settings()
    configure_logging(settings)
    return settings
