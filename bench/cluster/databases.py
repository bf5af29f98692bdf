"""A primary and its synchronous standby on hosts of their own, and what happens when the primary is lost."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.cluster.network import NETWORK, Host
from echoic.postgres.account import Account, choose_account
from echoic.postgres.programs import Programs, find_programs

OWNER, ROLE, DATABASE = "owner", "echoic", "echoic"
STANDBY = "standby"
PORT = 5432
PATIENCE_SECONDS = 120.0
OPTIONS = {
    "listen_addresses": "*",
    "shared_buffers": "64MB",
    "wal_keep_size": "256MB",
    "max_wal_size": "256MB",
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "wal_receiver_status_interval": "1s",
    "max_connections": "200",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


class Node:
    """One of the two servers, on a host of its own."""

    def __init__(self, host: Host, programs: Programs, account: Account | None) -> None:
        self.host = host
        self.cluster = host.disk / "cluster"
        self.log = host.disk / "postgres.log"
        self._programs = programs
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        if account is not None:
            os.chown(host.disk, account.uid, account.gid)

    def url(self, role: str = OWNER, database: str = DATABASE) -> str:
        return f"postgresql://{role}@{self.host.address}:{PORT}/{database}?connect_timeout=3"

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL to its end on the host."""
        done = subprocess.run(self._command(program, arguments), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)

    def start(self) -> None:
        """Start the server on its cluster."""
        options = {**OPTIONS, "unix_socket_directories": str(self.host.disk)}
        given = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", ["-D", str(self.cluster), *given]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def wait(self) -> None:
        """Wait until it takes connections."""
        wait_for(self.answers, f"{self.host.name} takes connections")

    def execute(self, statement: str, *, database: str = "postgres") -> Any:
        """Execute a statement as the owner; returns the first value of its answer, if it has any."""
        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            row = done.fetchone() if done.description else None
            return None if row is None else row[0]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """All rows of a query of Echoic's database."""
        with psycopg.connect(self.url()) as connection:
            return connection.execute(statement.encode()).fetchall()

    def backends(self) -> list[psutil.Process]:
        """The processes that work for clients."""
        if self._process is None:
            return []
        try:
            found = psutil.Process(self._process.pid).children()
            return [process for process in found if ROLE in " ".join(process.cmdline())]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End the server as kill -9 does, and with it the processes that it started."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def halt(self) -> None:
        """End the server fast."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    def _command(self, program: str, arguments: Sequence[str]) -> list[str]:
        change: list[str] = []
        if self._account is not None:
            ids = (f"--reuid={self._account.uid}", f"--regid={self._account.gid}", "--clear-groups")
            change = ["setpriv", *ids]
        return [*self.host.prefix, *change, str(self._programs.path(program)), *arguments]


class Databases:
    """A primary, and a standby that each commit waits for."""

    def __init__(self, one: Host, two: Host, folder: Path) -> None:
        account = choose_account(None, folder / "none")
        programs = find_programs(configured=None, copies=folder / "programs", account=account)
        self.primary, self.standby = (Node(host, programs, account) for host in (one, two))
        self.promotions = 0
        hosts = f"{one.address}:{PORT},{two.address}:{PORT}"
        self.url = f"postgresql://{ROLE}@{hosts}/{DATABASE}?target_session_attrs=read-write"
        self._make()
        self.follow()

    def _make(self) -> None:
        primary = self.primary
        given = ("--auth=trust", f"--username={OWNER}", "--locale=C.UTF-8", "--encoding=UTF8")
        primary.run("initdb", "-D", str(primary.cluster), *given)
        with (primary.cluster / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {NETWORK}.0/24 trust\nhost replication all {NETWORK}.0/24 trust\n")
        primary.start()
        primary.wait()
        primary.execute(f"CREATE ROLE {ROLE} LOGIN")
        primary.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
        primary.execute("CREATE EXTENSION vector", database=DATABASE)

    def follow(self) -> None:
        """Make the standby of a copy of the primary; from then on each commit waits until the standby has it."""
        standby = self.standby
        wait_for(self._is_copied, "the primary is copied")
        standby.start()
        standby.wait()
        wait_for(lambda: self._wait_for_standby(STANDBY), "the primary answers")
        wait_for(self.is_followed, "the standby is waited for")

    def _is_copied(self) -> bool:
        """Copy the primary; False where it could not be reached, as just after its link was mended."""
        shutil.rmtree(self.standby.cluster, ignore_errors=True)
        source = f"host={self.primary.host.address} port={PORT} user={OWNER} application_name={STANDBY}"
        options = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        try:
            self.standby.run("pg_basebackup", "-d", source, "-D", str(self.standby.cluster), *options)
        except RuntimeError as error:
            print(f"copied in vain: {error}")
            return False
        return True

    def is_followed(self) -> bool:
        """Whether each commit on the primary waits for the standby."""
        try:
            state = "SELECT sync_state = 'sync' AND state = 'streaming' FROM pg_stat_replication"
            return self.primary.execute(state) is True
        except psycopg.OperationalError:
            return False

    def promote(self) -> None:
        """Make the standby the primary; what was the primary must be dead. Nobody follows until ``follow``."""
        self.primary, self.standby = self.standby, self.primary
        wait_for(self._is_promoted, "the standby is promoted")
        wait_for(lambda: self._wait_for_standby(""), "the new primary answers")
        self.promotions += 1

    def _is_promoted(self) -> bool:
        """Promote the new primary where it is not yet; False where it does not answer."""
        try:
            if self.primary.execute("SELECT pg_is_in_recovery()") is False:
                return True
            return self.primary.execute("SELECT pg_promote(true, 60)") is True
        except psycopg.OperationalError:
            return False

    def _wait_for_standby(self, name: str) -> bool:
        """Have each commit wait for the standby of that name, or for none; False where the primary does not answer."""
        try:
            self.primary.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
            self.primary.execute("SELECT pg_reload_conf()")
        except psycopg.OperationalError:
            return False
        return True

    def keep(self) -> None:
        """Start a server that ended by itself, as after its disk was full."""
        for node in (self.primary, self.standby):
            if node._process is not None and not node.is_up:  # noqa: SLF001 - of this module
                node.start()

    def end(self) -> None:
        for node in (self.standby, self.primary):
            node.halt()


def wait_for(condition: Any, what: str, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the condition holds; end the program where it does not in time."""
    deadline = time.monotonic() + patience_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain until {what}")
        time.sleep(0.1)
