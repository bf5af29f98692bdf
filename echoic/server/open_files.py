"""The number of files that the server may have open: the system's limit, a reserve, and a warning near the limit.

A connection is an open file, and what it sends or receives is mostly another. Without a reserve, connections would
take the files that the database, the store and the decoder need.
"""

import resource
from collections.abc import Sized
from pathlib import Path

from echoic.errors import SettingInvalid
from echoic.logs import get_logger
from echoic.metrics import Metrics

WANTED = 65_536
"""The most files that are asked for: a program that we start may close every number up to the limit, one by one."""
KEPT_BACK = 256
"""Files kept back for the database's connections, the store, the log, and pipes to other processes."""
FILES_A_CONNECTION = 2
"""One for the connection itself and one for the file that is sent or received on it."""
NEAR = 0.8
"""The part of a limit beyond which the log warns."""
LOOK_SECONDS = 10.0

logger = get_logger(__name__)


def raise_limit() -> int:
    """Let this process open as many files as the system allows without asking, up to ``WANTED``; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return WANTED if soft == resource.RLIM_INFINITY else soft


def connections_allowed(wanted: int, open_files: int) -> int:
    """Return the number of connections there is room for. Raises SettingInvalid where there is none."""
    room = (open_files - KEPT_BACK) // FILES_A_CONNECTION
    if room < 1:
        raise SettingInvalid(
            f"The system lets this process open {open_files} files; Echoic needs at least "
            f"{KEPT_BACK + FILES_A_CONNECTION}. Raise the limit (ulimit -n, or LimitNOFILE= of the systemd unit)."
        )
    if room < wanted:
        logger.warning("connections_limited_by_open_files", connections=room, wanted=wanted, open_files=open_files)
    return min(wanted, room)


class Watch:
    """Counts connections and open files for the metrics, and warns in the log when they come near a limit."""

    def __init__(self, connections: Sized, *, max_connections: int, max_files: int, metrics: Metrics) -> None:
        self._connections = connections
        self._max_connections, self._max_files = max_connections, max_files
        self._metrics = metrics
        self._near: set[str] = set()

    async def look(self) -> None:
        """Look once."""
        now = {
            "connections": (len(self._connections), self._max_connections),
            "open_files": (_open_files(), self._max_files),
        }
        for what, (count, most) in now.items():
            self._metrics.held.labels(what=what).set(count)
            self._metrics.held_at_most.labels(what=what).set(most)
            if count <= most * NEAR:
                self._near.discard(what)
            elif what not in self._near:
                self._near.add(what)
                logger.warning("limit_near", of=what, count=count, limit=most)


def _open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())
