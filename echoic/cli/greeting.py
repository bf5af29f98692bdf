"""What ``echoic serve`` says once it listens: its address, the first key, and whether strangers can reach it."""

import ipaddress
import sys

import typer

from echoic.cli.connection import own_address
from echoic.logs import get_logger
from echoic.settings import Settings

logger = get_logger(__name__)


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


def warn_of_strangers(host: str) -> None:
    """Log a warning where others than this machine can reach the address that the server listens on."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.is_loopback:
        return
    where = "every address of this machine" if address.is_unspecified else f"the address {address}"
    logger.warning(
        "open_to_the_network",
        why=f"The server listens on {where}, without TLS: keys and recordings can be read on their way.",
        advice="Set ECHOIC_HOST=127.0.0.1 and put a proxy with TLS before it, as docs/deploy.md says; or let a "
        "firewall see to it that only the proxy gets through.",
    )
