"""The faults of a storm: each is done to a part of the cluster and heals after some seconds."""

import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import psutil

from bench.cluster.cluster import Cluster
from bench.cluster.databases import Node
from bench.cluster.network import Host
from bench.cluster.program import Program, go_on
from echoic.errors import StartupFailed

Heal = Callable[[], None]
Done = tuple[tuple[str, ...], Heal]
"""The hosts that suffer, and what heals them."""
SHORT_SECONDS, LONG_SECONDS = (0.5, 4.0), (4.0, 14.0)
"""For which a part is halted, cut off or full; a worker counts as dead after six seconds."""
LONG_PART = 0.3
STARTED_SECONDS = 10.0
"""Programs that were started so lately, and servers that do not answer yet, are left alone: nothing but starts would be tried."""
LOOK_SECONDS = 2.0


@dataclass(kw_only=True)
class Fault:
    """One fault that was done."""

    kind: str
    parts: tuple[str, ...]
    """What it was done to; nothing else is done to these meanwhile."""
    begun: float
    due: float
    heal: Heal
    healing: Future[None] | None = None
    healed: float = 0.0


def _nothing() -> None:
    """The part heals by itself: its program is started again."""


class Faults:
    """Does random faults to a cluster."""

    def __init__(self, cluster: Cluster, chance: random.Random, *, only: str = "") -> None:
        self._cluster, self._chance = cluster, chance
        self._healers = ThreadPoolExecutor()
        self.under_way: list[Fault] = []
        self.done: list[Fault] = []
        kinds: dict[str, tuple[int, Callable[[], Done | None]]] = {
            "kill -9: API": (5, lambda: self._kill(cluster.apis)),
            "kill -9: worker": (9, lambda: self._kill(cluster.workers)),
            "kill -9: process of a stage": (8, self._kill_stage),
            "kill -9: nginx": (3, lambda: self._kill([cluster.proxy])),
            "kill -9: a session of the database": (3, self._kill_session),
            "kill -9: bucket": (4, self._kill_store),
            "halted: API": (6, lambda: self._halt(cluster.apis)),
            "halted: worker": (9, lambda: self._halt(cluster.workers)),
            "link cut: API": (7, lambda: self._cut(cluster.apis)),
            "link cut: worker": (8, lambda: self._cut(cluster.workers)),
            "link cut: bucket": (5, lambda: self._cut_host(cluster.store_host)),
            "link cut: primary": (4, lambda: self._cut_host(cluster.databases.primary.host)),
            "link cut: standby": (3, lambda: self._cut_host(cluster.databases.standby.host)),
            "link slow: API": (4, lambda: self._slow(cluster.apis)),
            "link slow: worker": (4, lambda: self._slow(cluster.workers)),
            "disk full: API": (4, lambda: self._fill(cluster.apis)),
            "disk full: worker": (4, lambda: self._fill(cluster.workers)),
            "disk full: primary": (2, lambda: self._fill_host(cluster.databases.primary.host)),
            "failover: primary killed": (4, lambda: self._fail_over(vanishes=False)),
            "failover: primary's machine gone": (4, lambda: self._fail_over(vanishes=True)),
        }
        self._kinds = {kind: what for kind, what in kinds.items() if only in kind}

    @property
    def kinds(self) -> list[str]:
        return list(self._kinds)

    def do_one(self) -> Fault | None:
        """Do a random fault; None where what was chosen suffers from another one."""
        weights = [weight for weight, _ in self._kinds.values()]
        (kind,) = self._chance.choices(self.kinds, weights=weights)
        begun = time.monotonic()
        done = self._kinds[kind][1]()
        if done is None:
            return None
        parts, heal = done
        fault = Fault(kind=kind, parts=parts, begun=begun, due=time.monotonic() + self._duration(), heal=heal)
        self.under_way.append(fault)
        return fault

    def heal_due(self, *, everything: bool = False) -> None:
        """Heal those whose time is over, each in a thread of its own."""
        for fault in list(self.under_way):
            if fault.healing is None and (everything or time.monotonic() >= fault.due):
                fault.healing = self._healers.submit(fault.heal)
            if fault.healing is not None and fault.healing.done():
                fault.healing.result()
                fault.healed = time.monotonic()
                self.under_way.remove(fault)
                self.done.append(fault)

    def _duration(self) -> float:
        return self._chance.uniform(*(LONG_SECONDS if self._chance.random() < LONG_PART else SHORT_SECONDS))

    def _is_free(self, *names: str) -> bool:
        return not any(set(fault.parts) & set(names) for fault in self.under_way)

    def _choose(self, programs: list[Program]) -> Program | None:
        free = [each for each in programs if self._is_free(each.host.name) and self._is_started(each)]
        return self._chance.choice(free) if free else None

    def _is_started(self, program: Program) -> bool:
        """Whether a program has come so far as to do its work."""
        if program.up_seconds < STARTED_SECONDS:
            return False
        if program not in self._cluster.apis:
            return True
        base = self._cluster.api_base(self._cluster.apis.index(program))
        try:
            return httpx.get(f"{base}/health/live", trust_env=False, timeout=LOOK_SECONDS).is_success
        except httpx.TransportError:
            return False

    def _kill(self, programs: list[Program]) -> Done | None:
        program = self._choose(programs)
        if program is None:
            return None
        program.kill()
        return (program.host.name,), _nothing

    def _kill_stage(self) -> Done | None:
        program = self._choose(self._cluster.workers)
        children = program.processes()[1:] if program is not None else []
        if program is None or not children:
            return None
        _kill_process(self._chance.choice(children))
        return (program.host.name,), _nothing

    def _kill_session(self) -> Done | None:
        databases = self._cluster.databases
        name = databases.primary.host.name
        sessions = databases.primary.backends() if self._is_free(name, databases.standby.host.name) else []
        if not sessions:
            return None
        _kill_process(self._chance.choice(sessions))
        return (name,), _nothing

    def _kill_store(self) -> Done | None:
        host = self._cluster.store_host
        if not self._is_free(host.name):
            return None
        self._cluster.store.kill()
        return (host.name,), self._start_store

    def _start_store(self) -> None:
        """Start the bucket again, and once more where a busy machine took too long."""
        try:
            self._cluster.store.start(self._cluster.store_host.prefix)
        except StartupFailed as failed:
            print(failed)
            self._cluster.store.start(self._cluster.store_host.prefix)

    def _halt(self, programs: list[Program]) -> Done | None:
        program = self._choose(programs)
        if program is None:
            return None
        halted = program.stop()
        return (program.host.name,), lambda: go_on(halted)

    def _cut(self, programs: list[Program]) -> Done | None:
        program = self._choose(programs)
        return self._cut_host(program.host) if program is not None else None

    def _cut_host(self, host: Host) -> Done | None:
        if not self._is_free(host.name):
            return None
        host.cut()
        return (host.name,), host.mend

    def _slow(self, programs: list[Program]) -> Done | None:
        program = self._choose(programs)
        if program is None:
            return None
        program.host.slow_down()
        return (program.host.name,), program.host.speed_up

    def _fill(self, programs: list[Program]) -> Done | None:
        program = self._choose(programs)
        return self._fill_host(program.host) if program is not None else None

    def _fill_host(self, host: Host) -> Done | None:
        if not self._is_free(host.name):
            return None
        host.fill()
        return (host.name,), host.empty

    def _fail_over(self, *, vanishes: bool) -> Done | None:
        """Lose the primary and promote its standby at once; healing makes the old primary the new one's standby."""
        databases = self._cluster.databases
        old, new = databases.primary, databases.standby
        names = (old.host.name, new.host.name)
        if not self._is_free(*names) or not databases.is_followed():
            return None
        if vanishes:
            old.host.cut()  # nobody is told that the connections are gone
        old.kill()
        databases.promote()
        return names, lambda: self._follow_again(old, vanishes=vanishes)

    def _follow_again(self, old: Node, *, vanishes: bool) -> None:
        if vanishes:
            old.host.mend()
        self._cluster.databases.follow()


def _kill_process(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
