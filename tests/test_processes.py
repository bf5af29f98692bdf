"""Child processes: what one that computes is given, and how one is signalled."""

import asyncio
import signal
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from echoic.processes import computing_environment, signal_child

THRESHOLD = "glibc.malloc.trim_threshold=131072"


def test_what_somebody_tunes_himself_comes_last_and_so_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", THRESHOLD)
    assert computing_environment()["GLIBC_TUNABLES"].split(":")[-1] == THRESHOLD
    monkeypatch.delenv("GLIBC_TUNABLES")
    assert computing_environment() == {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@pytest.fixture
def _watched_by_the_loop() -> Iterator[None]:
    """Let the event loop itself learn of ended children, as from Python 3.12 on, and no thread of its own before it."""
    if sys.version_info >= (3, 12):
        yield
        return
    policy = asyncio.get_event_loop_policy()
    before = policy.get_child_watcher()
    policy.set_child_watcher(asyncio.PidfdChildWatcher())
    yield
    policy.set_child_watcher(before)


@pytest.mark.usefixtures("_watched_by_the_loop")
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
async def test_a_child_that_has_just_ended_keeps_its_exit_status_when_it_is_signalled(
    caplog: pytest.LogCaptureFixture, by: signal.Signals
) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(7)")
    gives_up_at = time.monotonic() + 10
    while (
        psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE
    ):  # without a turn of the loop, which would learn of it
        assert time.monotonic() < gives_up_at
    signal_child(child, by)
    assert await child.wait() == 7
    signal_child(child, by)  # there is nobody any more
    assert child.returncode == 7
    assert not caplog.records


async def test_a_child_that_goes_on_is_ended_by_the_signal() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "import signal; signal.pause()")
    signal_child(child, signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL
