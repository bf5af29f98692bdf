"""A primary and its streaming replica for tests: two real PostgreSQL servers, of the programs that the tests use."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from echoic.postgres.account import Account, choose_account
from echoic.postgres.programs import Programs, find_programs
from tests.conftest import POSTGRES_PROGRAMS
from tests.folders import passable_folder
from tests.waiting import wait_for

OWNER, ROLE, DATABASE = "owner", "echoic", "echoic"
STANDBY = "standby"
PORT = 5432
"""Of the sockets' names; nothing listens on it."""
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "listen_addresses": "",
    "autovacuum": "off",
}


class Node:
    """One of the two servers."""

    def __init__(self, folder: Path, programs: Programs, account: Account | None) -> None:
        self.folder = folder
        self._programs = programs
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        if account is not None:
            os.chown(folder, account.uid, account.gid)

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster"

    def url(self, role: str = ROLE, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL to its end."""
        done = subprocess.run(
            [self._programs.path(program), *arguments], capture_output=True, text=True, check=False, **self._changed()
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start the server on its cluster; returns once it takes connections."""
        command = [str(self._programs.path("postgres")), "-D", str(self.cluster)]
        for name, value in {**OPTIONS, "unix_socket_directories": str(self.folder)}.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **self._changed()
            )
        wait_for(self._answers, f"the server in {self.folder.name} takes connections")

    def execute(self, statement: str, *, database: str = "postgres") -> object:
        """Execute a statement as the owner; returns the first value of its answer, if it has any."""
        with psycopg.connect(self.url(OWNER, database), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            row = done.fetchone() if done.description else None
            return None if row is None else row[0]

    def kill(self) -> None:
        """End the server as the loss of its machine does: at once and without a word. Its other processes follow it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def halt(self) -> None:
        """End the server fast."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            psycopg.connect(self.url(OWNER, "postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _changed(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.uid, "group": self._account.gid, "extra_groups": list(self._account.groups)}


class Pair:
    """A primary, and a standby that follows it."""

    def __init__(self, primary: Node, standby: Node) -> None:
        self.primary = primary
        self.standby = standby

    @property
    def url(self) -> str:
        """A URL with both hosts: it leads to the one that takes writes."""
        hosts = f"{self.primary.folder},{self.standby.folder}"
        return f"postgresql://{ROLE}@/{DATABASE}?host={hosts}&target_session_attrs=read-write"

    def wait_for_each_other(self) -> None:
        """From now on a commit on the primary waits until the standby has it on its disk."""
        self.primary.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
        self.primary.execute("SELECT pg_reload_conf()")
        state = "SELECT sync_state = 'sync' FROM pg_stat_replication"
        wait_for(lambda: self.primary.execute(state) is True, "the standby is waited for")


@contextmanager
def replicated() -> Iterator[Pair]:
    """Make and start a primary with an empty database, and its standby; both end with the block."""
    with passable_folder() as folder:
        account = choose_account(None, folder / "none")
        programs = find_programs(configured=POSTGRES_PROGRAMS, copies=folder / "programs", account=account)
        primary, standby = (Node(folder / name, programs, account) for name in ("primary", "standby"))
        try:
            primary.run(
                "initdb",
                "-D",
                str(primary.cluster),
                "--auth=trust",
                f"--username={OWNER}",
                "--no-sync",
                "--locale=C.UTF-8",
                "--encoding=UTF8",
            )
            primary.start()
            primary.execute(f"CREATE ROLE {ROLE} LOGIN")
            primary.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
            if primary.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"):
                primary.execute("CREATE EXTENSION vector", database=DATABASE)
            source = f"host={primary.folder} user={OWNER} application_name={STANDBY}"
            standby.run(
                "pg_basebackup",
                "-d",
                source,
                "-D",
                str(standby.cluster),
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
            )
            standby.start()
            yield Pair(primary, standby)
        finally:
            standby.halt()
            primary.halt()
