"""Starts PostgreSQL's programs as the right account, with none of our environment; they end when this process ends."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from echoic.postgres.account import Account

_BECOME = Path(__file__).with_name("become.py")

# Settings of the caller for psql and libpq (PGPORT, PGOPTIONS …) must not change what we do.
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_FIXED_VARIABLES = {"LC_ALL": "C", "TZ": "UTC"}


def launch(
    command: Sequence[str | Path],
    account: Account | None,
    *,
    output: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program; both its outputs go to ``output``.

    When the *thread* that calls this ends, the program gets SIGINT: Linux ties a child to the thread that made it.
    """
    return subprocess.Popen(
        _become(command, account),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        # The folder we are in may be closed to the account.
        cwd="/",
        env=_environment(environment),
        # A Ctrl-C at the terminal is for us: we stop the database last.
        start_new_session=True,
    )


def run(command: Sequence[str | Path], account: Account | None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its output and errors are in ``stdout`` of the result, together."""
    return subprocess.run(
        _become(command, account),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        cwd="/",
        env=_environment(None),
        start_new_session=True,
        check=False,
    )


def blocked_at(folder: Path, account: Account) -> Path | None:
    """Return the first folder on the way to ``folder`` that the account may not pass."""
    blocking = run(["--blocked-at", folder], account).stdout
    return Path(blocking) if blocking else None


def _become(command: Sequence[str | Path], account: Account | None) -> list[str]:
    identity = account.identity if account else "-"
    return [sys.executable, "-I", "-S", str(_BECOME), str(os.getpid()), identity, *map(str, command)]


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, **_FIXED_VARIABLES, **(extra or {})}
