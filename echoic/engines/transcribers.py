"""The offered transcribers: one lease each, and no more loaded at once than the settings allow."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from echoic.engines.choice import Chosen, offered, settings_for
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import Transcriber
from echoic.settings import Settings


class Transcribers:
    """Leases by engine and model."""

    def __init__(self, settings: Settings, make: Callable[[Settings], EngineLease[Transcriber]]) -> None:
        """Loads nothing; raises what ``make`` and ``offered`` raise for settings that cannot be."""
        self._leases = {choice: make(settings_for(settings, choice)) for choice in offered(settings)}
        self._max_loaded = settings.transcribers_max_loaded
        self._lock = threading.Lock()
        self._last_used: list[Chosen] = []

    def lease(self, choice: Chosen) -> EngineLease[Transcriber]:
        """Return the lease of an offered transcriber."""
        return self._leases[choice]

    @contextmanager
    def use(self, choice: Chosen) -> Iterator[Transcriber]:
        """Yield a transcriber, unloading idle others first where too many would be loaded.

        One that is in use is never unloaded: where all are, this one is loaded beside them.
        """
        lease = self._leases[choice]
        with self._lock:
            self._last_used = [other for other in self._last_used if other != choice]
            if not lease.loaded:
                self._make_room()
            self._last_used.append(choice)
        with lease.use() as transcriber:
            yield transcriber

    def close(self) -> None:
        for lease in self._leases.values():
            lease.close()

    def _make_room(self) -> None:
        loaded = [other for other in self._last_used if self._leases[other].loaded]
        for other in loaded:
            if len(loaded) < self._max_loaded:
                return
            if self._leases[other].unload_if_idle():
                loaded = loaded[1:]
