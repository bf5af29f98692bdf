"""Keeps an engine loaded while it is used and for some time after; knows nothing of the work of engines."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from echoic.engines.protocols import Engine
from echoic.records import EngineId

EngineT = TypeVar("EngineT", bound=Engine)


class Timers(Protocol):
    """The clock of a lease."""

    def now(self) -> float:
        """Return seconds on a clock that never jumps."""
        ...

    def call_later(self, delay_seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call once after the delay, on any thread; the result cancels it."""
        ...


class ThreadTimers:
    """Real time; each pending call waits on a daemon thread."""

    def now(self) -> float:
        return time.monotonic()

    def call_later(self, delay_seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        timer = threading.Timer(delay_seconds, call)
        timer.daemon = True
        timer.start()
        return timer.cancel


class EngineLease(Generic[EngineT]):
    """One engine, loaded on first use and shared by all threads of this process.

    It is unloaded after ``idle_seconds`` without a user, never while in use, and loaded again by the next user. ``id``
    is known without loading.
    """

    def __init__(
        self,
        engine_id: EngineId,
        load: Callable[[], EngineT],
        *,
        idle_seconds: float,
        timers: Timers | None = None,
    ) -> None:
        self.id = engine_id
        self._load = load
        self._idle_seconds = idle_seconds
        self._timers = timers or ThreadTimers()
        # Held while loading and unloading too: a second user waits for the first one's load instead of repeating it.
        self._lock = threading.Lock()
        self._engine: EngineT | None = None
        self._users = 0
        self._idle_since = 0.0
        self._cancel_check: Callable[[], None] | None = None
        self._closed = False

    @contextmanager
    def use(self) -> Iterator[EngineT]:
        """Yield the engine, loading it where needed; raises what loading raises, and the next user tries again."""
        engine = self._acquire()
        try:
            yield engine
        finally:
            self._release()

    @property
    def loaded(self) -> bool:
        with self._lock:
            return self._engine is not None

    def unload_if_idle(self) -> bool:
        """Unload now where nobody uses it; says whether it is unloaded. The next user loads it again."""
        with self._lock:
            if self._users == 0:
                self._unload()
            return self._engine is None

    def close(self) -> None:
        """Unload now, or once the last user is done; later users are not allowed."""
        with self._lock:
            self._closed = True
            if self._users == 0:
                self._unload()

    def _acquire(self) -> EngineT:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"The lease on {self.id.name} was closed.")
            if self._engine is None:
                self._engine = self._load()
            self._users += 1
            return self._engine

    def _release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            self._idle_since = self._timers.now()
            if self._closed or self._idle_seconds == 0:
                self._unload()
            elif self._cancel_check is None:
                self._check_after(self._idle_seconds)

    def _check_after(self, delay_seconds: float) -> None:
        self._cancel_check = self._timers.call_later(delay_seconds, self._check_idle)

    def _check_idle(self) -> None:
        with self._lock:
            self._cancel_check = None
            if self._users or self._engine is None:
                return
            # One timer serves many short uses: if it rings too early, it is set again for the rest of the time.
            left = self._idle_since + self._idle_seconds - self._timers.now()
            if left > 0:
                self._check_after(left)
            else:
                self._unload()

    def _unload(self) -> None:
        if self._cancel_check is not None:
            self._cancel_check()
            self._cancel_check = None
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
