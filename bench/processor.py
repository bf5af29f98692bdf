"""What a server costs in processor time: a figure that other work on the machine changes little, as it does a rate."""

from dataclasses import dataclass
from typing import Self

import psutil

DATABASE_PROGRAM = "postgres"


@dataclass(frozen=True, slots=True)
class ProcessorSeconds:
    """Used so far, in user and kernel mode together."""

    server: float
    """By the API, without its worker."""
    database: float
    """By the processes of the embedded PostgreSQL."""

    def __sub__(self, before: Self) -> "ProcessorSeconds":
        return ProcessorSeconds(self.server - before.server, self.database - before.database)

    def __truediv__(self, count: int) -> "ProcessorSeconds":
        return ProcessorSeconds(self.server / count, self.database / count)


def processor_seconds(server_pid: int) -> ProcessorSeconds:
    """What ``echoic serve`` and its database have used since they started."""
    server = psutil.Process(server_pid)
    database = (child for child in server.children(recursive=True) if child.name() == DATABASE_PROGRAM)
    return ProcessorSeconds(_used(server), sum(map(_used, database)))


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
