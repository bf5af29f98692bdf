"""``echoic health``: tells a supervisor, by its exit code, whether the server or the worker of this machine works.

It needs no key: it asks what a balancer asks, or looks for the worker's heartbeat in the database.
"""

import asyncio
import socket
from typing import Annotated

import httpx
import typer

from echoic.cli.connection import CommandFailed, ExitCode, not_echoic, parsed, sentence_of
from echoic.cli.failures import reason
from echoic.cli.start import read_settings, reported
from echoic.errors import DatabaseUnavailable
from echoic.server.own_address import kept_address, own_address
from echoic.settings import Settings

PATIENCE_SECONDS = 8.0
"""Longest wait for the answer; the server gives a part of its own 3 s."""


def health(
    *, worker: Annotated[bool, typer.Option("--worker", help="Look at this machine's worker instead.")] = False
) -> None:
    """Say whether the server of this machine can work, for health checks of containers; exit code 3 where it cannot.

    With --worker: whether a worker of this machine was heard lately. While the database is away nobody can be heard, and
    the worker waits for it; that is no failure of the worker.
    """
    settings = read_settings()
    with reported():
        found = asyncio.run(_worker_fault(settings)) if worker else _server_fault(settings)
    if found is not None:
        typer.echo(f"echoic: {found}", err=True)
        raise typer.Exit(ExitCode.UNREACHABLE)


def _server_fault(settings: Settings) -> str | None:
    """Return what is wrong with the server, after printing the state of its parts; None where nothing is."""
    address = own_address(settings.host, settings.port)
    if "port" not in settings.model_fields_set:
        address = kept_address(settings.address_file) or address
    try:
        # A proxy named in the environment does not lead to this machine.
        answer = httpx.get(f"{address}/health/ready", timeout=PATIENCE_SECONDS, trust_env=False)
        checks = parsed(answer).get("checks", {})
    except httpx.RequestError as error:
        return f"No Echoic answers at {address}: {reason(error)}."
    except CommandFailed as error:
        return str(error)
    if not isinstance(checks, dict):
        return str(not_echoic(answer))
    for part, state in checks.items():
        typer.echo(f"{part:<10}{state}")
    return None if answer.is_success else sentence_of(answer)


async def _worker_fault(settings: Settings) -> str | None:
    from echoic.db.runs.workers import is_alive_on
    from echoic.server.database import found_database, open_database

    machine, patience = socket.gethostname(), settings.worker_stalled_seconds
    database = open_database(settings, found_database(settings))
    try:
        async with database.transaction() as session:
            is_alive = await is_alive_on(session, machine, alive_seconds=patience)
    except DatabaseUnavailable as error:
        typer.echo(f"worker    waits for the database: {error.message}")
        return None
    finally:
        await database.close()
    if not is_alive:
        return f"No worker of {machine} has been heard for {patience:g} s."
    typer.echo("worker    ok")
    return None
