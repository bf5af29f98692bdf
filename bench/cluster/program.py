"""A program of a host that is started again whenever it ends, as a service manager does."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence

import psutil

from bench.cluster.network import Host

RESTART_SECONDS = 1.0
ELSEWHERE = ("DATABASE_URL", "ECHOIC_", "AWS_")


class Program:
    """One program; ``keep`` is to be called every so often."""

    def __init__(
        self,
        host: Host,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        ends_children: bool = False,
    ) -> None:
        self._ends_children = ends_children
        self.host = host
        self.name = name
        self.log = host.disk / f"{name}.log"
        self.ends: list[int] = []
        """Its exit codes where it ended by itself."""
        self.starts = 0
        self._command = [*host.prefix, *command]
        own = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
        self._environment = {**own, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._up_since = 0.0
        self._down_since = -RESTART_SECONDS

    @property
    def is_up(self) -> bool:
        """Whether its process runs, stopped or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def up_seconds(self) -> float:
        """For how long its process has run; 0 where it does not."""
        return time.monotonic() - self._up_since if self.is_up else 0.0

    def keep(self) -> None:
        """Start it where it does not run, a moment after it ended."""
        if self.is_up:
            return
        if self._process is not None:
            code = self._process.returncode
            self._process = None
            self._down_since = time.monotonic()
            if not self._killed:
                self.ends.append(code)
            self._killed = False
        if time.monotonic() - self._down_since < RESTART_SECONDS:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.starts += 1
        self._up_since = time.monotonic()

    def kill(self) -> None:
        """End it as kill -9 does. Processes that it started are left to themselves, but for those that do not end with it."""
        children = self.processes()[1:] if self._ends_children else []
        if self._process is not None:
            self._killed = True
            self._process.kill()
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue

    def processes(self) -> list[psutil.Process]:
        """Its process and those that it started."""
        if self._process is None:
            return []
        try:
            mother = psutil.Process(self._process.pid)
            return [mother, *mother.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> list[psutil.Process]:
        """Halt its process and those that it started; returns them."""
        halted = []
        for process in self.processes():
            try:
                process.suspend()
                halted.append(process)
            except psutil.NoSuchProcess:
                continue
        return halted


def go_on(processes: Sequence[psutil.Process]) -> None:
    """Let halted processes go on, but for those that are gone."""
    for process in processes:
        try:
            process.resume()
        except psutil.NoSuchProcess:
            continue
