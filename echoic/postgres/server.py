"""The embedded server as the rest of Echoic sees it: start, url, stop."""

import atexit
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from echoic.errors import PostgresFailed
from echoic.logs import get_logger
from echoic.postgres import journal
from echoic.postgres.account import choose_account
from echoic.postgres.attach import DATABASE, server_url
from echoic.postgres.cluster import USER, cluster_major, last_lines, make_cluster
from echoic.postgres.folders import PORT, Folders
from echoic.postgres.keeper import FAST_STOP_SECONDS, Keeper
from echoic.postgres.launch import run
from echoic.postgres.ownership import OwnerLock
from echoic.postgres.postmaster import Recipe
from echoic.postgres.programs import find_programs
from echoic.settings import Settings

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
        self._url: str | None = None
        self._starter_pid = 0

    def start(self) -> None:
        """Make the cluster if there is none, and start the server; returns when it takes connections.

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
            recipe = self._prepare()
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
        self._url = None

    @property
    def url(self) -> str:
        """A libpq URL of the database ``echoic``, the same through all restarts of the server."""
        if self._url is None:
            raise RuntimeError("the embedded PostgreSQL is not started")
        return self._url

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
        journal.remove_old(folders.logs)
        return Recipe(folders=folders, programs=programs, account=account, options=self._options)

    def _ensure_database(self, recipe: Recipe) -> None:
        socket_folder = self._folders.make_socket_folder(recipe.account)
        where = ["-h", str(socket_folder), "-p", str(PORT), "-U", USER, "-w"]
        listing = ["-d", "postgres", "--no-psqlrc", "--list", "--tuples-only", "--no-align"]
        listed = run([recipe.programs.path("psql"), *where, *listing], recipe.account)
        if not any(line.split("|")[0] == DATABASE for line in listed.stdout.splitlines()):
            made = run([recipe.programs.path("createdb"), *where, DATABASE], recipe.account)
            if made.returncode != 0:
                said = last_lines(listed.stdout + made.stdout)
                raise PostgresFailed(f"The database '{DATABASE}' could not be made:\n{said}")
        self._url = server_url(socket_folder)
