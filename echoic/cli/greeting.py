"""The lines that ``echoic serve`` prints once it listens: its address and the first key."""

import sys

import typer

from echoic.cli.connection import own_address
from echoic.settings import Settings


def greet(host: str, port: int, *, key: str | None, settings: Settings) -> None:
    """Say where the server listens; a key that was just made is shown on a terminal only, as what else is read is kept."""
    address = own_address(host, port)
    typer.echo(f"Echoic listens on {address} (docs at {address}/docs)")
    if key is None:
        return
    if sys.stdout.isatty():
        typer.echo(f"API key, shown this once and kept in {settings.api_key_file}:\n\n    {key}\n")
    else:
        typer.echo(f"An API key was made. It is kept in {settings.api_key_file}, which only this account can read.")
