"""The thread that launches the server and, when it dies, launches it again.

It stays until the last server process has ended: Linux ties the life of a child to the thread that made it, so a thread
that went earlier would take the server along.
"""

import signal
import threading
import time

from echoic import wording
from echoic.errors import EchoicError, PostgresFailed, PostgresMemoryHeld
from echoic.logs import get_logger
from echoic.postgres.folders import SOCKET_NAME
from echoic.postgres.pidfile import remove_nameless
from echoic.postgres.postmaster import Postmaster, Recipe, end_survivors, stop_orphan, stop_signals

FAST_STOP_SECONDS = 30.0
"""Time for a fast shutdown, which writes the memory out: a slow disk needs it."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""The age at which a server has not failed at its start: its restart is prompt again."""

START_PATIENCE_SECONDS = 60.0
"""The time that the first start gives the processes of a killed server to end; a restart waits for ever."""

logger = get_logger(__name__)


class Keeper:
    """Keeps one server alive from ``start`` to ``stop``."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._guard = threading.Lock()
        """Held from the last check for a stop until the launch, so that no stop comes in between."""
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._failure: EchoicError | None = None
        self._postmaster: Postmaster | None = None
        self._thread = threading.Thread(target=self._keep, name="postgres-keeper", daemon=True)

    def start(self) -> None:
        """Return when the server takes connections; raises what Postmaster raises, and DataDirUnusable."""
        self._thread.start()
        self._settled.wait()
        if self._failure is not None:
            raise self._failure

    def reload(self) -> None:
        """Have the server read its settings again; one that is just being launched reads them anyway."""
        with self._guard:
            postmaster = self._postmaster
        if postmaster is not None:
            postmaster.signal(signal.SIGHUP)

    def stop(self, fast_seconds: float) -> None:
        """Stop the server: fast, after ``fast_seconds`` immediately, at last by force; and stop keeping it."""
        with self._guard:
            self._stopping.set()
            postmaster = self._postmaster
        if self._thread.ident is None:
            return  # It never ran.
        for sign, seconds in stop_signals(fast_seconds):
            if postmaster is not None:
                postmaster.signal(sign)
            self._thread.join(seconds)
            if not self._thread.is_alive():
                return
            logger.warning("postgres_stop_overdue", signal=sign.name, waited_seconds=seconds)

    # Everything below runs in the thread.

    def _keep(self) -> None:
        try:
            self._start_first()
        except EchoicError as error:
            self._failure = error
            return
        except OSError as error:
            self._failure = PostgresFailed(f"The embedded PostgreSQL could not be started: {wording.os_reason(error)}.")
            return
        finally:
            self._settled.set()
        self._watch()

    def _start_first(self) -> None:
        deadline = time.monotonic() + START_PATIENCE_SECONDS
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            try:
                self._launch()
                return
            except PostgresMemoryHeld as error:
                if time.monotonic() >= deadline:
                    raise
                self._give_way(error, pause_seconds)
            if self._stopping.wait(pause_seconds):
                raise PostgresFailed("The embedded PostgreSQL was stopped before it was ready.")
            pause_seconds = _longer(pause_seconds)

    def _watch(self) -> None:
        pause_seconds = 0.0
        # A server that came back in the very moment we were to stop is waited for, too.
        while self._postmaster is not None:
            began = time.monotonic()
            exit_code = self._postmaster.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - began >= STEADY_SECONDS:
                pause_seconds = 0.0
            logger.warning("postgres_died", pid=self._postmaster.pid, exit_code=exit_code, pause_seconds=pause_seconds)
            pause_seconds = self._start_again(pause_seconds)

    def _start_again(self, pause_seconds: float) -> float:
        """Try until the launch succeeds or a stop is asked for; return the pause to make should the server die soon."""
        while not self._stopping.wait(pause_seconds):
            pause_seconds = _longer(pause_seconds)
            try:
                self._launch()
            except (EchoicError, OSError) as error:
                if not self._stopping.is_set():
                    self._give_way(error, pause_seconds)
            else:
                break
        return pause_seconds

    def _launch(self) -> None:
        recipe = self._recipe
        remove_nameless(recipe.folders.cluster)
        stop_orphan(recipe.folders.cluster, fast_seconds=FAST_STOP_SECONDS)
        socket_folder = recipe.folders.make_socket_folder(recipe.account)
        # It has a number as postmaster.pid has, with the same faults; but this folder is ours alone, and nobody is left.
        (socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        with self._guard:
            if self._stopping.is_set():
                return
            self._postmaster = Postmaster(recipe, socket_folder)
        self._postmaster.wait_until_ready()
        logger.info("postgres_started", pid=self._postmaster.pid)

    def _give_way(self, error: EchoicError | OSError, pause_seconds: float) -> None:
        logger.warning("postgres_start_failed", reason=str(error), pause_seconds=pause_seconds)
        # Idle ones notice by themselves and are gone by the second try.
        if isinstance(error, PostgresMemoryHeld) and pause_seconds > FIRST_PAUSE_SECONDS:
            end_survivors(self._recipe.folders.cluster)


def _longer(pause_seconds: float) -> float:
    return min(max(pause_seconds * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
