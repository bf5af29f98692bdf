"""One run of the server process: it is launched, waited for until it takes connections, and stopped."""

import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from echoic.errors import PostgresFailed, PostgresMemoryHeld
from echoic.logs import get_logger
from echoic.postgres import journal
from echoic.postgres.account import Account
from echoic.postgres.cluster import last_lines
from echoic.postgres.folders import PORT, Folders
from echoic.postgres.launch import launch
from echoic.postgres.pidfile import is_alive, read_pid_file, running_server, survivors
from echoic.postgres.programs import Programs

POLL_SECONDS = 0.02
PROGRESS_SECONDS = 5.0
"""Time between two log lines on one long wait."""

QUIT_SECONDS = 8.0
"""Time for an immediate shutdown: PostgreSQL kills its own processes after 5 s (SIGKILL_CHILDREN_AFTER_SECS in
postmaster.c)."""
KILL_SECONDS = 10.0

# The server tells it by its words only.
_MEMORY_HELD = "pre-existing shared memory block"

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The arguments of a launch, which are the same at every restart."""

    folders: Folders
    programs: Programs
    account: Account | None
    options: Mapping[str, str]
    """Server settings on top of ours."""

    def command(self, socket_folder: Path) -> list[str]:
        settings = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": f'"{socket_folder}"',
            "unix_socket_permissions": "0700",
            "hba_file": str(self.folders.entry),
            **journal.settings(self.folders.logs),
            **self.options,
        }
        command = [str(self.programs.path("postgres")), "-D", str(self.folders.cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command


class Postmaster:
    """The server process as our child."""

    def __init__(self, recipe: Recipe, socket_folder: Path) -> None:
        """Launch it; the thread that calls this must live as long as the server is to live (launch.py)."""
        self._cluster = recipe.folders.cluster
        with ExitStack() as undo:
            self._output = undo.enter_context(tempfile.TemporaryFile())
            self._reader = journal.Reader(recipe.folders.logs, self._output)
            command, stale = recipe.command(socket_folder), _stale(self._cluster)
            self._child = launch(command, recipe.account, output=self._output, environment=stale)
            undo.pop_all()

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait_until_ready(self) -> None:
        """Wait until the server takes connections, as long as it lives: a recovery may take long.

        Raises:
            PostgresMemoryHeld: it ended because of what is left of a former server; trying again makes sense.
            PostgresFailed: it ended; the message has its last lines.
        """
        with self._output, ExitStack() as undo:
            undo.callback(self._abandon)
            mentions = _mentions()
            while self._child.poll() is None:
                found = read_pid_file(self._cluster)
                if found is not None and found.pid == self.pid and found.ready:
                    undo.pop_all()
                    return
                if next(mentions):
                    logger.info("postgres_recovering", pid=self.pid, server_log=last_lines(self._reader.text(), 1))
                time.sleep(POLL_SECONDS)
            said = self._reader.text()
        kind = PostgresMemoryHeld if _MEMORY_HELD in said else PostgresFailed
        raise kind(
            f"The embedded PostgreSQL did not start (exit code {self._child.returncode}). Its last words:\n"
            f"{last_lines(said)}"
        )

    def wait(self) -> int:
        """Wait for the end of the process; return its exit code, negative for a signal."""
        return self._child.wait()

    def _abandon(self) -> None:
        """Kill the server, so that none is left that nobody watches."""
        self._child.send_signal(signal.SIGQUIT)
        self._child.wait()

    def signal(self, sign: signal.Signals) -> None:
        """Send a signal to the server, unless it is dead already."""
        self._child.send_signal(sign)


def stop_orphan(cluster: Path, *, fast_seconds: float) -> None:
    """Stop a server that outlived its Echoic, so that the next one is our own child.

    Raises:
        PostgresFailed: it does not end.
    """
    orphan = running_server(cluster)
    if orphan is None:
        return
    for sign, seconds in stop_signals(fast_seconds):
        logger.warning("postgres_orphan_stopping", pid=orphan.pid, signal=sign.name)
        try:
            psutil.Process(orphan.pid).send_signal(sign)
        except psutil.NoSuchProcess:
            return
        except psutil.AccessDenied as error:
            raise PostgresFailed(f"Process {orphan.pid} serves {cluster} and may not be stopped by us.") from error
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_alive(orphan.pid):
                return
            time.sleep(POLL_SECONDS)
    raise PostgresFailed(f"Process {orphan.pid}, a PostgreSQL that runs on {cluster}, cannot be stopped.")


def end_survivors(cluster: Path) -> None:
    """Tell the processes of a killed server to end: one with a long query would not notice until the query ends."""
    for process in survivors(cluster):
        logger.warning("postgres_survivor_ending", pid=process.pid)
        try:
            process.terminate()
        except psutil.Error:
            continue  # Gone meanwhile.


def stop_signals(fast_seconds: float) -> tuple[tuple[signal.Signals, float], ...]:
    """Ways to stop a server, politest first, each with the seconds it gets: fast, immediate, killed."""
    return ((signal.SIGINT, fast_seconds), (signal.SIGQUIT, QUIT_SECONDS), (signal.SIGKILL, KILL_SECONDS))


def _stale(cluster: Path) -> dict[str, str]:
    """Return the variable that has PostgreSQL ignore the process named in a stale postmaster.pid.

    It takes any live process of the account with that number for its predecessor, unless it is an ancestor of its own:
    its grandparent is told to it by this variable (CreateLockFile in src/backend/utils/init/miscinit.c). A zombie
    counts as live for it.
    """
    found = read_pid_file(cluster)
    if found is None or running_server(cluster) is not None:
        return {}
    return {"PG_GRANDPARENT_PID": str(found.pid)}


def _mentions() -> Iterator[bool]:
    """Yield, at each turn of a wait, whether the next log line on it is due."""
    last = time.monotonic()
    while True:
        now = time.monotonic()
        due = now - last >= PROGRESS_SECONDS
        if due:
            last = now
        yield due
