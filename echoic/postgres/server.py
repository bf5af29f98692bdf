"""The embedded server as the rest of Echoic sees it: start, url, stop."""

import atexit
import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from echoic.errors import DataDirUnusable, PostgresFailed
from echoic.logs import get_logger
from echoic.postgres import entry, journal
from echoic.postgres.account import choose_account
from echoic.postgres.attach import DATABASE, ROLE, server_url
from echoic.postgres.cluster import OWNER, cluster_major, last_lines, make_cluster
from echoic.postgres.folders import PORT, Folders
from echoic.postgres.keeper import FAST_STOP_SECONDS, Keeper
from echoic.postgres.launch import run
from echoic.postgres.ownership import OwnerLock
from echoic.postgres.postmaster import POLL_SECONDS, Recipe
from echoic.postgres.programs import find_programs
from echoic.settings import Settings

NOT_STARTED = "the embedded PostgreSQL is not started"
RELOAD_SECONDS = 30.0
"""Time for the server to read again which roles it lets in; it needs milliseconds."""

logger = get_logger(__name__)


class EmbeddedPostgres:
    """A PostgreSQL server on the data folder, run by this process and kept alive between ``start`` and ``stop``."""

    def __init__(self, settings: Settings, *, options: Mapping[str, str] | None = None) -> None:
        """``options`` are server settings on top of ours; with ``fsync=off`` the cluster is made unsynced, too."""
        self._settings = settings
        self._options = dict(options or {})
        self._folders = Folders.of(settings)
        self._lock: OwnerLock | None = None
        self._keeper: Keeper | None = None
        self._recipe: Recipe | None = None
        self._socket_folder: Path | None = None
        self._starter_pid = 0

    def start(self) -> None:
        """Make the cluster if there is none, and start the server; returns when it takes connections.

        Its owner is let in until ``shut_owner_out`` is called, so that the caller can prepare the database.

        Raises:
            AlreadyRunning: another Echoic owns the data folder.
            DataDirUnusable: the data folder, or the way to it, is closed to us or to the account of PostgreSQL.
            PostgresNotFound: there are no usable programs.
            PostgresFailed: initdb or the server failed; the message has its last lines.
            StartupFailed: there is no account to run as.
        """
        began = time.monotonic()
        self._folders.make_data_dir()
        lock = OwnerLock.acquire(self._folders.lock_file)
        with ExitStack() as undo:
            self._lock = lock
            self._starter_pid = os.getpid()
            undo.callback(self.stop)
            self._recipe = recipe = self._prepare()
            self._keeper = Keeper(recipe)
            self._keeper.start()
            self._ensure_database(recipe)
            # Where the process ends without a word; on Linux the kernel would see to it, elsewhere nobody.
            atexit.register(self.stop)
            undo.pop_all()
        logger.info(
            "postgres_ready",
            version=".".join(map(str, recipe.programs.version)),
            cluster=str(self._folders.cluster),
            seconds=round(time.monotonic() - began, 3),
        )

    def stop(self, timeout_seconds: float = FAST_STOP_SECONDS) -> None:
        """Stop the server and wait for its end; does nothing where it is not started.

        It is asked to shut down fast; after ``timeout_seconds`` it is told to drop everything, at last it is killed.
        """
        if self._lock is None or self._starter_pid != os.getpid():
            return  # A forked child has no say in it.
        atexit.unregister(self.stop)
        if self._keeper is not None:
            self._keeper.stop(timeout_seconds)
            self._keeper = None
        self._folders.remove_short_socket_folder()
        self._lock.release()
        self._lock = None
        self._socket_folder = None

    def shut_owner_out(self) -> None:
        """Let the program's role in alone from now on, until the next start.

        Raises:
            PostgresFailed: the server still lets its owner in.
            DataDirUnusable: what says so cannot be written.
        """
        if self._recipe is None or self._keeper is None:
            raise RuntimeError(NOT_STARTED)
        try:
            entry.shut_owner_out(self._folders.entry, self._recipe.account)
        except OSError as error:
            raise DataDirUnusable(f"{self._folders.entry} cannot be written: {error.strerror}.") from error
        deadline = time.monotonic() + RELOAD_SECONDS
        self._keeper.reload()
        while self._psql(self._recipe, "--list").returncode == 0:
            if time.monotonic() >= deadline:
                raise PostgresFailed("The embedded PostgreSQL does not take notice of who is to be let in.")
            time.sleep(POLL_SECONDS)

    @property
    def url(self) -> str:
        """A libpq URL of the database ``echoic`` for the program's role, the same through all restarts of the server."""
        return server_url(self._socket)

    @property
    def owner_url(self) -> str:
        """A libpq URL for the database's owner, a superuser; it works until ``shut_owner_out`` is called."""
        return server_url(self._socket, OWNER)

    @property
    def _socket(self) -> Path:
        if self._socket_folder is None:
            raise RuntimeError(NOT_STARTED)
        return self._socket_folder

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> Recipe:
        folders = self._folders
        account = choose_account(self._settings.postgres_account, folders.home)
        folders.make_home(account)
        major = cluster_major(folders.cluster)
        programs = find_programs(
            configured=self._settings.postgres_bin_dir, copies=folders.programs, account=account, major=major
        )
        if major is None:
            make_cluster(folders, programs, account, sync=self._options.get("fsync") != "off")
        try:
            entry.let_owner_in(folders.entry, account)
        except OSError as error:
            raise DataDirUnusable(f"{folders.entry} cannot be written: {error.strerror}.") from error
        journal.remove_old(folders.logs)
        return Recipe(folders=folders, programs=programs, account=account, options=self._options)

    def _ensure_database(self, recipe: Recipe) -> None:
        """Make the database and the program's role where they are missing: older versions made no role."""
        self._socket_folder = self._folders.make_socket_folder(recipe.account)
        listed = self._psql(recipe, "--list")
        if not _names(listed.stdout, DATABASE):
            made = run([recipe.programs.path("createdb"), *self._where, DATABASE], recipe.account)
            if made.returncode != 0:
                said = last_lines(listed.stdout + made.stdout)
                raise PostgresFailed(f"The database '{DATABASE}' could not be made:\n{said}")
        if not _names(self._psql(recipe, "--command", f"\\du {ROLE}").stdout, ROLE):
            made = self._psql(recipe, "--command", f"CREATE ROLE {ROLE} LOGIN")
            if made.returncode != 0:
                raise PostgresFailed(f"The role '{ROLE}' could not be made:\n{last_lines(made.stdout)}")

    def _psql(self, recipe: Recipe, *arguments: str) -> subprocess.CompletedProcess[str]:
        asking = ["-d", "postgres", "--no-psqlrc", "--tuples-only", "--no-align", *arguments]
        return run([recipe.programs.path("psql"), *self._where, *asking], recipe.account)

    @property
    def _where(self) -> list[str]:
        return ["-h", str(self._socket), "-p", str(PORT), "-U", OWNER, "-w"]


def _names(listing: str, name: str) -> bool:
    """Return whether the first column of psql's list has the name."""
    return any(line.split("|")[0] == name for line in listing.splitlines())
