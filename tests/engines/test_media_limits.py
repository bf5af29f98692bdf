import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import av
import psutil
import pytest
from av.audio.stream import AudioStream
from av.packet import Packet

from echoic import errors
from echoic.engines.media.child.reading import Reading, decoded as decoded_packet
from echoic.engines.media.parent import MediaLimits, MediaSource, child_process, decode, probe
from echoic.records import Audio, MediaInfo
from echoic.units import MB, SAMPLE_RATE
from tests.decoders import decoders

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[[MediaSource, MediaLimits], Awaitable[tuple[MediaInfo, Audio]]]
BYTES_PER_SECOND = 2 * SAMPLE_RATE


async def test_a_small_file_that_unpacks_to_hours_is_stopped_at_the_longest_duration(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("flac", "flac", seconds=600.0, hertz=0.0)
    handed_on = 0

    async def count(window: bytes) -> None:
        nonlocal handed_on
        handed_on += len(window)

    with pytest.raises(errors.MediaTooLong):
        await decode(source(content), replace(limits, max_duration_seconds=60.0), on_audio=count)
    assert len(content) < 200_000
    assert handed_on <= 60 * BYTES_PER_SECOND


async def test_decoding_that_takes_too_long_is_stopped(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "STARVED_SHARE", 0.0)  # on a busy machine it may not work at all
    content = encode("flac", "flac", seconds=600.0)

    with pytest.raises(errors.MediaLimitHit):
        await decoded(source(content), replace(limits, timeout_seconds=0.2))


async def test_time_spent_by_the_consumer_does_not_count(encode: Encode, source: Source, limits: MediaLimits) -> None:
    async def dawdle(_: bytes) -> None:
        await asyncio.sleep(0.8)

    info = await decode(
        source(encode("wav", "pcm_s16le", seconds=40.0)), replace(limits, timeout_seconds=3.0), on_audio=dawdle
    )

    assert info.duration_seconds == 40.0


async def test_decoding_that_takes_too_much_memory_is_stopped(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    with pytest.raises(errors.MediaLimitHit):
        await decoded(source(encode("flac", "flac", seconds=60.0)), replace(limits, memory_bytes=100_000))


class Endless:
    """A source that goes on for a gigabyte after its first bytes, and counts what is read of it."""

    size = 1 << 30

    def __init__(self, head: bytes, filling: bytes = b"\0") -> None:
        self.head = head
        self.filling = filling
        self.bytes_read = 0

    async def read_range(self, start: int, length: int) -> bytes:
        self.bytes_read += length
        skip = start % len(self.filling)
        filled = (self.filling * (length // len(self.filling) + 2))[skip : skip + length]
        head = self.head[start : start + length]
        return head + filled[len(head) :]


def test_a_frame_that_says_another_rate_than_speech_has_is_no_sound() -> None:
    def frame(rate: int) -> av.AudioFrame:
        made = av.AudioFrame(format="s16", layout="mono", samples=4096)
        made.sample_rate = rate
        return made

    decoder = SimpleNamespace(decode=lambda _: [frame(1), frame(3_999), frame(4_000), frame(16_000)])
    found = decoded_packet(cast("AudioStream", decoder), cast("Packet[AudioStream]", av.Packet(1)), Reading())

    assert [each.sample_rate for each in found] == [4_000, 16_000]


SAYS_TOO_LITTLE = {
    "wav without sound": (b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0", b"\0"),
    "wav without a format": (b"RIFF\0\0\0\0WAVE", b"\0"),
    "aiff": (b"FORM\x40\0\0\0AIFF", b"\0"),
    "mp4 of empty boxes": (b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42", b"\0\0\0\x08free"),
    "avi": (b"RIFF\0\0\0\x40AVI LIST\xff\xff\xff\0hdrl", b"\0"),
    "one tag": (b"ID3\x03\0\0\x7f\x7f\x7f\x7f", b"\0"),
    "pages of an ogg": (b"", b"OggS\0\2" + bytes(8) + b"abcd" + bytes(8) + b"\1\0"),
}


@pytest.mark.parametrize(("head", "filling"), SAYS_TOO_LITTLE.values(), ids=SAYS_TOO_LITTLE)
async def test_a_header_that_says_too_little_does_not_have_the_whole_file_read(
    limits: MediaLimits, head: bytes, filling: bytes
) -> None:
    source = Endless(head, filling)
    used = psutil.Process().cpu_times().children_user

    with pytest.raises((errors.MediaLimitHit, errors.NotAudio)):
        await probe(source, replace(limits, cpu_seconds=1, read_bytes=32 * MB))

    assert source.bytes_read <= 33 * MB
    assert psutil.Process().cpu_times().children_user - used < 4.0


async def test_limits_on_work_leave_large_tags_and_chunks_before_the_sound_alone(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    wav = encode("wav", "pcm_s16le", seconds=2.0)
    junk = b"JUNK" + (40 * MB).to_bytes(4, "little") + bytes(40 * MB)
    tagged = b"ID3\x03\0\0\x09\0\0\0" + bytes(9 << 21) + encode("mp3", "libmp3lame", seconds=2.0)
    narrow = replace(limits, cpu_seconds=2, read_bytes=32 * MB)

    assert (await probe(source(wav[:36] + junk + wav[36:]), narrow)).codec == "pcm_s16le"
    assert (await probe(source(tagged), narrow)).codec == "mp3"


class Signals:
    """A source that sends the process that reads it a signal."""

    size = 1_000_000

    def __init__(self, sign: signal.Signals) -> None:
        self.sign = sign

    async def read_range(self, start: int, length: int) -> bytes:
        (child,) = decoders()
        child.send_signal(self.sign)
        return bytes(length)


@pytest.mark.parametrize("sign", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
async def test_a_crash_of_the_decoder_is_a_fault_of_the_file(limits: MediaLimits, sign: signal.Signals) -> None:
    with pytest.raises(errors.MediaUnreadable):
        await probe(Signals(sign), limits)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
async def test_a_decoder_that_somebody_ends_is_no_fault_of_the_file(limits: MediaLimits, sign: signal.Signals) -> None:
    with pytest.raises(errors.DecoderLost) as caught:
        await probe(Signals(sign), limits)

    assert str(int(sign)) in caught.value.message
    assert caught.value.retryable


async def test_a_decoder_that_is_killed_in_mid_decode_is_no_fault_of_the_file(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    async def kill(_: bytes) -> None:
        for child in decoders():
            child.kill()

    with pytest.raises(errors.DecoderLost):
        await decode(source(encode("flac", "flac", seconds=600.0)), limits, on_audio=kill)


ON_UVLOOP = """
import asyncio, psutil, time, uvloop
from echoic.engines.media.parent import MediaLimits, probe
from tests.decoders import decoders

class Gone:
    size = 1000
    async def read_range(self, start, length):
        (child,) = decoders()
        child.kill()
        deadline = time.monotonic() + 20
        while psutil.pid_exists(child.pid) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # the loop has closed the pipes
        return bytes(length)

uvloop.run(probe(Gone(), {limits}))
"""


async def test_a_decoder_that_is_gone_before_its_answer_is_no_fault_of_the_file_on_the_servers_loop_either(
    limits: MediaLimits,
) -> None:
    program = ON_UVLOOP.format(limits=limits)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].startswith("echoic.errors.DecoderLost: "), done.stderr


async def test_a_decoder_that_used_up_its_processor_time_has_hit_a_limit(limits: MediaLimits) -> None:
    with pytest.raises(errors.MediaLimitHit):
        await probe(Signals(signal.SIGXCPU), limits)


async def test_a_decoder_that_was_kept_from_working_has_hit_no_limit(limits: MediaLimits) -> None:
    with pytest.raises(errors.DecoderLost):
        await probe(Signals(signal.SIGSTOP), replace(limits, timeout_seconds=1.0))
    assert not decoders()


@pytest.mark.parametrize(
    ("program", "error"),
    [
        pytest.param("#!/bin/sh\nkill -KILL $$\n", errors.DecoderLost, id="killed"),
        pytest.param("#!/bin/sh\nexit 1\n", errors.DecoderNotStarted, id="failed"),
        pytest.param("#!/no/such/program\n", errors.DecoderNotStarted, id="cannot be run"),
    ],
)
async def test_what_ends_before_it_is_ready_has_seen_nothing_of_the_file(
    source: Source,
    limits: MediaLimits,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    program: str,
    error: type[errors.EchoicError],
) -> None:
    path = tmp_path / "python"
    path.write_text(program, encoding="ascii")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))

    with pytest.raises(error):
        await probe(source(b"RIFF"), limits)


class Away:
    """A source that cannot be read."""

    size = 1_000_000

    async def read_range(self, start: int, length: int) -> bytes:
        raise errors.StorageUnavailable


async def test_what_the_source_raises_reaches_the_caller_and_no_process_is_left(limits: MediaLimits) -> None:
    with pytest.raises(errors.StorageUnavailable):
        await probe(Away(), limits)
    assert not decoders()


async def test_what_the_consumer_raises_reaches_the_caller_and_no_process_is_left(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    async def refuse(_: bytes) -> None:
        raise errors.StorageUnavailable

    with pytest.raises(errors.StorageUnavailable):
        await decode(source(encode("flac", "flac", seconds=60.0)), limits, on_audio=refuse)
    assert not decoders()


class Slow:
    """A source that says when it is asked, and never answers."""

    size = 1_000_000

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def read_range(self, start: int, length: int) -> bytes:
        self.asked.set()
        await asyncio.Event().wait()
        return b""


async def test_a_cancelled_probe_leaves_no_process(limits: MediaLimits) -> None:
    source = Slow()
    task = asyncio.create_task(probe(source, limits))
    await source.asked.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert not decoders()


def limits_of(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
    return {line[:26].strip(): line[26:].split()[:2] for line in lines}


class Inspected:
    """A source that looks at the process that reads it."""

    size = 1_000_000

    def __init__(self) -> None:
        self.limits: dict[str, list[str]] = {}
        self.user = -1

    async def read_range(self, start: int, length: int) -> bytes:
        (child,) = decoders()
        self.limits = limits_of(child.pid)
        self.user = child.uids().real
        return bytes(length)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_whoever_reads_the_file_can_open_write_and_start_nothing(limits: MediaLimits) -> None:
    source = Inspected()

    with pytest.raises(errors.NotAudio):
        await probe(source, limits)

    # Three: the two pipes and standard error.
    assert source.limits["Max open files"] == ["3", "3"]
    assert source.limits["Max file size"] == ["0", "0"]
    assert source.limits["Max core file size"] == ["0", "0"]
    assert source.limits["Max processes"] == ["0", "0"]
    assert int(source.limits["Max address space"][1]) < 1_000_000_000
    if os.geteuid() == 0:
        assert source.user != 0


async def test_a_decoder_that_does_not_start_is_our_fault_and_it_is_told_no_secret(
    source: Source, limits: MediaLimits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nenv >&2\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv("DATABASE_URL", "postgresql://echoic:secret@db/echoic")

    with pytest.raises(errors.DecoderNotStarted) as caught:
        await probe(source(b"RIFF"), limits)

    assert "PYTHONPATH=" in str(caught.value.__cause__)
    assert "secret" not in str(caught.value.__cause__)


async def test_the_memory_of_the_caller_does_not_grow_with_the_length(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("flac", "flac", seconds=1200.0, hertz=0.0)
    process = psutil.Process()
    peak = 0

    async def watch(_: bytes) -> None:
        nonlocal peak
        peak = max(peak, process.memory_info().rss)

    before = process.memory_info().rss
    info = await decode(source(content), limits, on_audio=watch)

    assert info.duration_seconds == 1200.0
    # All of it would be 38 MB.
    assert peak - before < 16_000_000
