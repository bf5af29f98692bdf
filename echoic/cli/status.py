"""``echoic status``: whether the server is there and can work, and who one is to it."""

import httpx

from echoic.cli.connection import CommandFailed, ExitCode, JsonOption, ServerOption, connected, parsed
from echoic.cli.output import console, counted, print_json
from echoic.cli.queue import NO_WORKER, look_at_queue


def status(server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Ask the server how it is; exit code 3 where it is away or cannot work."""
    with connected(server) as connection:
        try:
            answer = connection.send("GET", "/health/ready")
        except httpx.RequestError as error:
            raise connection.unreachable(error) from error
        health = parsed(answer)
        checks = health["checks"]
        account, usage = connection.get("/api/account"), connection.get("/api/usage")
        queue = look_at_queue(connection)
        if as_json:
            print_json(
                {
                    "server": connection.access.server,
                    "checks": checks,
                    "queue": queue,
                    "account": account,
                    "usage": usage,
                }
            )
        else:
            minutes = usage["minutes"]
            _print("server", connection.access.server)
            for part, state in checks.items():
                _print(part, state)
            if queue is not None:
                working = counted(queue["working"], "recording is", "recordings are")
                _print("queue", f"{working} being worked on, {counted(queue['waiting'], 'waits', 'wait')}")
                _print("workers", str(queue["workers"]) if queue["workers"] else f"none: {NO_WORKER}")
            _print("account", f"{account['name']} (id {account['id']}, plan {account['plan']})")
            _print("minutes", f"{minutes['used']} used in {usage['month']}, {minutes['reserved']} under way")
            _print("left", "no limit" if minutes["left"] is None else f"{minutes['left']} of {minutes['limit']}")
        if not answer.is_success:
            raise CommandFailed(ExitCode.UNREACHABLE, health["message"])


def _print(name: str, value: str) -> None:
    console.print(f"{name:<10}{value}", markup=False)
