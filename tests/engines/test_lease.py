import threading
from collections.abc import Callable

import pytest

from echoic import errors
from echoic.engines.lease import EngineLease
from echoic.records import EngineId

ID = EngineId(name="toy", model="toy", version="1")


class Toy:
    """An engine that counts how often it was closed."""

    id = ID

    def __init__(self) -> None:
        self.closings = 0

    def close(self) -> None:
        self.closings += 1


class HandTimers:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = 0.0
        self.calls: dict[int, tuple[float, Callable[[], None]]] = {}
        self.ordered = 0

    def now(self) -> float:
        return self.time

    def call_later(self, delay_seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        self.ordered += 1
        key = self.ordered
        self.calls[key] = (self.time + delay_seconds, call)
        return lambda: self.cancel(key)

    def cancel(self, key: int) -> None:
        self.calls.pop(key, None)

    def advance(self, seconds: float) -> None:
        self.time += seconds
        for key, (due, call) in sorted(self.calls.items()):
            if due <= self.time:
                del self.calls[key]
                call()


class Loads:
    """Counts and keeps what was loaded."""

    def __init__(self) -> None:
        self.toys: list[Toy] = []

    def __call__(self) -> Toy:
        self.toys.append(Toy())
        return self.toys[-1]


@pytest.fixture
def timers() -> HandTimers:
    return HandTimers()


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
def lease(timers: HandTimers, loads: Loads) -> EngineLease[Toy]:
    return EngineLease(ID, loads, idle_seconds=60.0, timers=timers)


def test_nothing_is_loaded_before_the_first_use_and_its_id_is_known(lease: EngineLease[Toy], loads: Loads) -> None:
    assert lease.id == ID
    assert not lease.loaded
    assert not loads.toys


def test_uses_one_after_the_other_and_within_each_other_share_one_engine(lease: EngineLease[Toy], loads: Loads) -> None:
    with lease.use() as first, lease.use() as second:
        assert first is second
    with lease.use() as third:
        assert third is first
    assert len(loads.toys) == 1


def test_an_engine_is_unloaded_once_idle_long_enough_and_loaded_anew_by_the_next_use(
    lease: EngineLease[Toy], loads: Loads, timers: HandTimers
) -> None:
    with lease.use() as first:
        pass
    timers.advance(59.0)
    assert first.closings == 0
    timers.advance(1.0)
    assert not lease.loaded
    assert first.closings == 1
    with lease.use() as second:
        assert second is not first
        assert second.closings == 0


def test_an_engine_in_use_outlives_the_idle_time(lease: EngineLease[Toy], timers: HandTimers) -> None:
    with lease.use():
        pass
    with lease.use() as engine:
        timers.advance(1000.0)
        assert engine.closings == 0
    timers.advance(60.0)
    assert engine.closings == 1


def test_the_idle_time_counts_from_the_last_use_and_needs_one_timer_for_many(
    lease: EngineLease[Toy], timers: HandTimers
) -> None:
    for _ in range(100):
        with lease.use() as engine:
            pass
        timers.advance(0.5)
    assert timers.ordered == 1
    timers.advance(10.0)
    assert engine.closings == 0
    timers.advance(49.5)
    assert engine.closings == 1


def test_no_idle_time_unloads_after_each_use(loads: Loads, timers: HandTimers) -> None:
    lease = EngineLease(ID, loads, idle_seconds=0.0, timers=timers)
    with lease.use() as engine, lease.use():
        pass
    assert not lease.loaded
    assert engine.closings == 1
    assert timers.ordered == 0


def test_closing_waits_for_the_present_user_and_lets_no_new_one_in(lease: EngineLease[Toy]) -> None:
    with lease.use() as engine:
        lease.close()
        assert engine.closings == 0
        with pytest.raises(RuntimeError), lease.use():
            pass
    assert engine.closings == 1


def test_closing_an_idle_lease_unloads_at_once_and_leaves_no_timer(lease: EngineLease[Toy], timers: HandTimers) -> None:
    with lease.use() as engine:
        pass
    lease.close()
    assert engine.closings == 1
    assert not timers.calls


def test_a_load_that_fails_is_tried_again_by_the_next_user(timers: HandTimers) -> None:
    attempts = 0

    def load() -> Toy:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise errors.ModelMissing
        return Toy()

    lease = EngineLease(ID, load, idle_seconds=60.0, timers=timers)
    with pytest.raises(errors.ModelMissing), lease.use():
        pass
    with lease.use():
        assert lease.loaded
    assert attempts == 2


def test_threads_that_come_while_it_loads_wait_for_the_one_load(timers: HandTimers) -> None:
    may_load = threading.Event()
    loading = threading.Event()
    toys: list[Toy] = []

    def load() -> Toy:
        loading.set()
        assert may_load.wait(30)
        toys.append(Toy())
        return toys[-1]

    lease = EngineLease(ID, load, idle_seconds=60.0, timers=timers)
    got: list[Toy] = []

    def use() -> None:
        with lease.use() as engine:
            got.append(engine)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert loading.wait(30)
    may_load.set()
    for thread in threads:
        thread.join(30)

    assert len(toys) == 1
    assert got == toys * 8


def test_real_timers_unload_too(loads: Loads) -> None:
    lease = EngineLease(ID, loads, idle_seconds=0.01)
    closed = threading.Event()
    with lease.use() as engine:
        engine.close = closed.set  # type: ignore[method-assign]  # to hear of it instead of polling
    assert closed.wait(30)
