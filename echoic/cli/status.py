"""``echoic status``: whether the server is there and can work, and who one is to it."""

from typing import Any

import httpx

from echoic.cli.connection import CommandFailed, ExitCode, JsonOption, ServerOption, connected
from echoic.cli.output import console, print_json


def status(server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Ask the server how it is; exit code 3 where it is away or cannot work."""
    with connected(server) as connection:
        try:
            answer = connection.client.get("/health/ready")
        except httpx.TransportError as error:
            raise connection.unreachable(error) from error
        try:
            health: dict[str, Any] = answer.json()
            checks = health["checks"]
        except (ValueError, KeyError) as error:
            raise CommandFailed(ExitCode.UNREACHABLE, f"{connection.access.server} is no Echoic server.") from error
        usage = connection.get("/api/usage")
        if as_json:
            print_json({"server": connection.access.server, "checks": checks, "usage": usage})
        else:
            console.print(f"server     {connection.access.server}", markup=False)
            for part, state in checks.items():
                console.print(f"{part:<10} {state}", markup=False)
            for name, value in usage.items():
                if value is not None:
                    console.print(f"{name:<10} {value}", markup=False)
        if not answer.is_success:
            raise CommandFailed(ExitCode.UNREACHABLE, health["message"])
