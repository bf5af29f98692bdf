"""The first step of every command that works on this machine: read the settings and set up the logs."""

import difflib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from dotenv import dotenv_values

from echoic import settings as configuration
from echoic.cli.variables import KEY_VARIABLE, SERVER_VARIABLE
from echoic.errors import DatabaseNotReady, EchoicError
from echoic.logs import configure_logging, get_logger
from echoic.processes import PARENT_VARIABLE
from echoic.settings import PREFIX, Settings

NO_SETTINGS = {KEY_VARIABLE, SERVER_VARIABLE, PARENT_VARIABLE}
"""Variables of Echoic that are none of its settings: what commands and child processes are told."""

DATABASE = "DATABASE_URL"
NEARLY_SAME = 0.9
"""Of two names that differ in one letter or two that changed places; 1 is equality."""

EXIT_FAILED = 1
EXIT_NOT_READY = 3
"""As ``ExitCode.UNREACHABLE``, which comes with a client of HTTP that a server and a worker need not load."""

logger = get_logger(__name__)


@contextmanager
def reported() -> Iterator[None]:
    """Turn an error of ours into one line on standard error and exit code 1, or 3 where it gave up waiting for its database."""
    try:
        yield
    except EchoicError as error:
        typer.echo(f"echoic: {error.message}", err=True)
        raise typer.Exit(EXIT_NOT_READY if isinstance(error, DatabaseNotReady) else EXIT_FAILED) from error


def read_settings() -> Settings:
    """Read the settings of this process and set up its logs by them; wrong settings end the command.

    A variable that looks like a setting and is none is told in the log: what was meant by it does not hold.
    """
    with reported():
        settings = configuration.read_settings()
    configure_logging(settings)
    if PARENT_VARIABLE not in os.environ:  # else the process that started this one has told
        _tell_unknown()
    return settings


def _tell_unknown() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    everything = {name.upper() for name in (*os.environ, *dotenv_values(configuration.FILE))}
    given = {name for name in everything if name.startswith(PREFIX)}
    if everything.isdisjoint({DATABASE, f"{PREFIX}{DATABASE}"}):
        # The one setting that people write without prefix decides where all data goes.
        given |= set(difflib.get_close_matches(DATABASE, everything, cutoff=NEARLY_SAME))
        known |= {DATABASE}
    for name in sorted(given - known - NO_SETTINGS):
        near = difflib.get_close_matches(name, known, n=1)
        logger.warning("setting_unknown", variable=name, **({"perhaps": near[0]} if near else {}))
