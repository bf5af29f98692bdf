"""The decoder that is started ahead: it opens one recording, confined like any other, and ends with it or with its parent."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from echoic import errors
from echoic.engines.media.parent import MediaLimits, SpareChild, probe, spare
from tests.decoders import decoders
from tests.waiting import wait_for

NEVER_SECONDS = 3600.0
ONE_THAT_WAITS = """
import asyncio, os
from echoic.engines.media.parent import SpareChild
from tests.decoders import decoders

async def main():
    await SpareChild().start_ahead()
    print(decoders()[0].pid, flush=True)
    os._exit(0)

asyncio.run(main())
"""


@pytest.fixture
async def ahead(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpareChild]:
    monkeypatch.setattr(spare, "REST_SECONDS", NEVER_SECONDS)
    made = SpareChild()
    yield made
    await made.close()
    assert not decoders()


async def gone(pid: int) -> None:
    await asyncio.to_thread(wait_for, lambda: not psutil.pid_exists(pid), "the end of a decoder")


class Inspected:
    """A source that is no recording, and notes which process reads it and how many files that may open."""

    size = 1_000_000
    pid = 0
    open_files = ""

    async def read_range(self, start: int, length: int) -> bytes:
        (reader,) = decoders()
        self.pid = reader.pid
        if sys.platform == "linux":
            limits = await asyncio.to_thread(Path(f"/proc/{reader.pid}/limits").read_text, "ascii")
            self.open_files = next(line for line in limits.splitlines() if line.startswith("Max open files"))
        return bytes(length)


async def test_one_that_waits_opens_one_file_confined_as_any_other(ahead: SpareChild, limits: MediaLimits) -> None:
    await ahead.start_ahead()
    (waiting,) = decoders()
    sources = Inspected(), Inspected()
    for source in sources:
        with pytest.raises(errors.NotAudio):
            await probe(source, limits, spare=ahead)
        assert not psutil.pid_exists(source.pid)
    assert sources[0].pid == waiting.pid != sources[1].pid
    if sys.platform == "linux":
        assert sources[0].open_files.split()[3:5] == ["3", "3"]
        assert sources[0].open_files == sources[1].open_files


async def test_another_is_started_in_a_while(
    ahead: SpareChild, limits: MediaLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spare, "REST_SECONDS", 0.0)
    with pytest.raises(errors.NotAudio):
        await probe(Nothing(), limits, spare=ahead)
    await asyncio.to_thread(wait_for, lambda: bool(decoders()), "a decoder that waits")


class Nothing:
    """A source that is no recording."""

    size = 1000

    async def read_range(self, start: int, length: int) -> bytes:
        return bytes(length)


async def test_one_that_somebody_has_ended_meanwhile_is_passed_over(ahead: SpareChild, limits: MediaLimits) -> None:
    await ahead.start_ahead()
    (waiting,) = decoders()
    waiting.kill()
    await gone(waiting.pid)
    with pytest.raises(errors.NotAudio):
        await probe(Nothing(), limits, spare=ahead)


async def test_one_that_waits_ends_with_its_parent() -> None:
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", ONE_THAT_WAITS], capture_output=True, text=True, check=True
    )
    await gone(int(ran.stdout))
