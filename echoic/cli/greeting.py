"""The lines that ``echoic serve`` prints once it listens: its address, the first key, and a link for a browser."""

import sys

import typer

from echoic.server.own_address import own_address
from echoic.settings import Settings


def greet(host: str, port: int, *, key: str | None, sign_in_link: str | None, settings: Settings) -> None:
    """Say where the server listens, and how a browser gets in.

    A key that was just made and a link that signs in are shown on a terminal only, because other output may be stored.
    """
    address = own_address(host, port)
    typer.echo(f"Echoic listens on {address} (docs at {address}/docs)")
    is_terminal = sys.stdout.isatty()
    if key is not None:
        if is_terminal:
            typer.echo(f"API key, shown this once and kept in {settings.api_key_file}:\n\n    {key}\n")
        else:
            typer.echo(f"An API key was made. It is kept in {settings.api_key_file}, which only this account can read.")
    if sign_in_link is not None and is_terminal:
        typer.echo(f"Open this in a browser within ten minutes; 'echoic open' makes another:\n\n    {sign_in_link}\n")
