import asyncio
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from echoic import errors
from echoic.engines.media import MediaLimits, MediaSource, decode, probe
from echoic.records import SAMPLE_RATE, Audio, MediaInfo

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
BYTES_PER_SECOND = 2 * SAMPLE_RATE


async def decoded(source: MediaSource, limits: MediaLimits) -> tuple[MediaInfo, Audio]:
    pcm = bytearray()

    async def keep(window: bytes) -> None:
        pcm.extend(window)

    info = await decode(source, limits, on_audio=keep)
    return info, np.frombuffer(bytes(pcm), dtype="<i2").astype(np.float32) / np.float32(32768)


def loudest_hertz(audio: Audio) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio))) * SAMPLE_RATE / len(audio))


def level(audio: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(audio))))


def wav_bytes(encode: Encode, **changes: Any) -> bytearray:
    """A wav whose header is the classic 44 bytes."""
    full = encode("wav", "pcm_s16le", **changes)
    data = full.index(b"data")
    return bytearray(full[:12] + full[12:36] + full[data:])


@dataclass(frozen=True, kw_only=True)
class Format:
    container: str
    codec: str
    rate: int
    layout: str
    found: tuple[str, str]


FORMATS = [
    Format(container="wav", codec="pcm_s16le", rate=16_000, layout="mono", found=("wav", "pcm_s16le")),
    Format(container="wav", codec="pcm_s24le", rate=48_000, layout="stereo", found=("wav", "pcm_s24le")),
    Format(container="wav", codec="pcm_mulaw", rate=8_000, layout="mono", found=("wav", "pcm_mulaw")),
    Format(container="mp3", codec="libmp3lame", rate=44_100, layout="stereo", found=("mp3", "mp3")),
    Format(container="ipod", codec="aac", rate=44_100, layout="stereo", found=("mp4", "aac")),
    Format(container="ogg", codec="vorbis", rate=48_000, layout="stereo", found=("ogg", "vorbis")),
    Format(container="ogg", codec="libopus", rate=48_000, layout="mono", found=("ogg", "opus")),
    Format(container="webm", codec="libopus", rate=48_000, layout="stereo", found=("matroska", "opus")),
    Format(container="flac", codec="flac", rate=44_100, layout="stereo", found=("flac", "flac")),
    Format(container="adts", codec="aac", rate=44_100, layout="mono", found=("aac", "aac")),
    Format(container="aiff", codec="pcm_s16be", rate=44_100, layout="stereo", found=("aiff", "pcm_s16be")),
]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.container}-{form.codec}")
async def test_every_common_format_comes_out_as_the_same_tone_at_16_khz(
    encode: Encode, source: Source, limits: MediaLimits, form: Format
) -> None:
    content = encode(form.container, form.codec, rate=form.rate, layout=form.layout, seconds=3.0, hertz=440.0)

    probed = await probe(source(content), limits)
    info, audio = await decoded(source(content), limits)

    assert (probed.container, probed.codec) == (info.container, info.codec) == form.found
    assert (probed.sample_rate, probed.channels) == (form.rate, {"mono": 1, "stereo": 2}[form.layout])
    assert probed.duration_seconds == pytest.approx(3.0, abs=0.1)
    assert info.duration_seconds == len(audio) / SAMPLE_RATE
    assert info.duration_seconds == pytest.approx(3.0, abs=0.1)
    assert loudest_hertz(audio) == pytest.approx(440.0, abs=1.0)
    assert level(audio[SAMPLE_RATE:-SAMPLE_RATE]) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


async def test_a_tone_above_the_new_range_is_filtered_out_and_does_not_alias(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    _, audio = await decoded(source(encode("wav", "pcm_s16le", rate=44_100, hertz=12_000.0)), limits)

    assert level(audio[SAMPLE_RATE:-SAMPLE_RATE]) < 0.001


async def test_audio_arrives_in_windows_of_ten_seconds_and_a_rest(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    sizes: list[int] = []

    async def keep(window: bytes) -> None:
        sizes.append(len(window))

    info = await decode(source(encode("flac", "flac", seconds=25.5)), limits, on_audio=keep)

    assert sizes == [10 * BYTES_PER_SECOND, 10 * BYTES_PER_SECOND, round(5.5 * BYTES_PER_SECOND)]
    assert info.duration_seconds == 25.5


async def test_silence_is_audio_like_any_other(encode: Encode, source: Source, limits: MediaLimits) -> None:
    _, audio = await decoded(source(encode("flac", "flac", seconds=2.0, hertz=0.0)), limits)

    assert len(audio) == 2 * SAMPLE_RATE
    assert not audio.any()


async def test_a_pause_that_the_recorder_left_out_becomes_silence_of_its_length(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode(
        "matroska", "libopus", rate=48_000, seconds=6.0, delay=lambda seconds: 4.0 if seconds >= 3 else 0.0
    )

    info, audio = await decoded(source(content), limits)

    assert info.duration_seconds == pytest.approx(10.0, abs=0.05)
    assert level(audio[: int(2.9 * SAMPLE_RATE)]) > 0.3
    assert level(audio[int(3.1 * SAMPLE_RATE) : int(6.9 * SAMPLE_RATE)]) < 0.001
    assert level(audio[int(7.1 * SAMPLE_RATE) :]) > 0.3


async def test_probing_a_large_file_reads_little_of_it(encode: Encode, source: Any, limits: MediaLimits) -> None:
    content = source(encode("wav", "pcm_s16le", rate=48_000, layout="stereo", seconds=60.0))

    info = await probe(content, limits)

    assert info.duration_seconds == 60.0
    assert content.size > 10_000_000
    assert content.bytes_read < 2_000_000


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0", id="one byte"),
        pytest.param(bytes(100_000), id="zeros"),
        pytest.param(b"Minutes of the meeting. Nothing was said.\n" * 500, id="text"),
        pytest.param(b"PK\x03\x04" + bytes(range(256)) * 400, id="zip"),
        pytest.param(b"RIFF\xff\xff\xff\xffWAVEfmt ", id="the beginning of a wav"),
        pytest.param(b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", id="hls"),
        pytest.param(b"ffconcat version 1.0\nfile '/etc/passwd'\n", id="concat"),
        pytest.param(b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n", id="sdp"),
        pytest.param(b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", id="subtitles"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(1000), id="picture"),
    ],
)
async def test_what_is_no_audio_is_refused_at_the_probe_and_at_decoding(
    source: Source, limits: MediaLimits, content: bytes
) -> None:
    with pytest.raises(errors.NotAudio):
        await probe(source(content), limits)
    with pytest.raises(errors.NotAudio):
        await decoded(source(content), limits)


async def test_a_wav_without_a_single_sample_is_not_audio(encode: Encode, source: Source, limits: MediaLimits) -> None:
    content = bytes(wav_bytes(encode)[:44])

    with pytest.raises(errors.NotAudio):
        await probe(source(content), limits)
    with pytest.raises(errors.MediaUnreadable):
        await decoded(source(content), limits)


async def test_a_container_outside_the_list_is_refused_though_it_holds_sound(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    with pytest.raises(errors.NotAudio):
        await probe(source(encode("flv", "libmp3lame", rate=44_100)), limits)


async def test_a_video_without_sound_says_so(source: Source, limits: MediaLimits, silent_film: bytes) -> None:
    with pytest.raises(errors.NotAudio, match="no sound"):
        await probe(source(silent_film), limits)


@pytest.mark.parametrize("declared", [1 << 30, 0xFFFFFFFF])
async def test_a_wav_that_lies_about_its_length_ends_where_its_bytes_end(
    encode: Encode, source: Source, limits: MediaLimits, declared: int
) -> None:
    content = wav_bytes(encode, seconds=3.0)
    content[40:44] = struct.pack("<I", declared)

    probed = await probe(source(bytes(content)), limits)
    info, _ = await decoded(source(bytes(content)), limits)

    assert probed.duration_seconds == info.duration_seconds == 3.0


@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus")])
async def test_a_file_cut_off_in_the_middle_yields_what_is_there(
    encode: Encode, source: Source, limits: MediaLimits, container: str, codec: str
) -> None:
    content = encode(container, codec, rate=48_000, seconds=20.0)

    info, audio = await decoded(source(content[: len(content) // 2]), limits)

    assert info.duration_seconds == pytest.approx(10.0, abs=1.5)
    assert loudest_hertz(audio) == pytest.approx(440.0, abs=1.0)


async def test_broken_packets_are_passed_over_and_the_rest_keeps_its_time(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytearray(encode("flac", "flac", seconds=20.0))
    middle = len(content) // 2
    content[middle : middle + 400] = np.random.default_rng(1).bytes(400)

    info, audio = await decoded(source(bytes(content)), limits)

    assert info.duration_seconds == pytest.approx(20.0, abs=0.1)
    assert level(audio[: 9 * SAMPLE_RATE]) > 0.3
    assert level(audio[11 * SAMPLE_RATE :]) > 0.3


async def test_a_file_with_a_good_header_and_nothing_decodable_behind_it_is_unreadable(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytearray(encode("flac", "flac", seconds=20.0))
    content[300:] = bytes(len(content) - 300)

    with pytest.raises(errors.MediaUnreadable):
        await decoded(source(bytes(content)), limits)


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


async def test_decoding_that_takes_too_long_is_stopped(encode: Encode, source: Source, limits: MediaLimits) -> None:
    content = encode("flac", "flac", seconds=600.0)

    with pytest.raises(errors.MediaLimitHit):
        await decoded(source(content), replace(limits, timeout_seconds=0.2))


async def test_time_spent_by_the_consumer_does_not_count(encode: Encode, source: Source, limits: MediaLimits) -> None:
    async def dawdle(_: bytes) -> None:
        await asyncio.sleep(0.5)

    info = await decode(
        source(encode("wav", "pcm_s16le", seconds=40.0)), replace(limits, timeout_seconds=1.5), on_audio=dawdle
    )

    assert info.duration_seconds == 40.0


async def test_decoding_that_takes_too_much_memory_is_stopped(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    with pytest.raises(errors.MediaLimitHit):
        await decoded(source(encode("flac", "flac", seconds=60.0)), replace(limits, memory_bytes=100_000))


class KillsReader:
    """A source that ends the process that reads it."""

    size = 1_000_000

    async def read_range(self, start: int, length: int) -> bytes:
        (child,) = psutil.Process().children()
        child.send_signal(signal.SIGSEGV)
        return bytes(length)


async def test_a_crash_of_the_decoder_is_a_fault_of_the_file(limits: MediaLimits) -> None:
    with pytest.raises(errors.MediaUnreadable):
        await probe(KillsReader(), limits)


class Away:
    """A source that cannot be read."""

    size = 1_000_000

    async def read_range(self, start: int, length: int) -> bytes:
        raise errors.StorageUnavailable


async def test_what_the_source_raises_reaches_the_caller_and_no_process_is_left(limits: MediaLimits) -> None:
    with pytest.raises(errors.StorageUnavailable):
        await probe(Away(), limits)
    assert not psutil.Process().children()


async def test_what_the_consumer_raises_reaches_the_caller_and_no_process_is_left(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    async def refuse(_: bytes) -> None:
        raise errors.StorageUnavailable

    with pytest.raises(errors.StorageUnavailable):
        await decode(source(encode("flac", "flac", seconds=60.0)), limits, on_audio=refuse)
    assert not psutil.Process().children()


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
    assert not psutil.Process().children()


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
        (child,) = psutil.Process().children()
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

    with pytest.raises(errors.EngineFailed) as caught:
        await probe(source(b"RIFF"), limits)

    assert "PYTHONPATH=" in str(caught.value.__cause__)
    assert "secret" not in str(caught.value.__cause__)


async def test_the_memory_of_the_caller_does_not_grow_with_the_length(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("flac", "flac", seconds=1800.0, hertz=0.0)
    process = psutil.Process()
    peak = 0

    async def watch(_: bytes) -> None:
        nonlocal peak
        peak = max(peak, process.memory_info().rss)

    before = process.memory_info().rss
    info = await decode(source(content), limits, on_audio=watch)

    assert info.duration_seconds == 1800.0
    # All of it would be 57 MB.
    assert peak - before < 16_000_000


async def test_tags_are_kept_without_what_no_database_takes(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("mp3", "libmp3lame", rate=44_100)
    text = b"\x03Board\x00meeting"
    frame = b"TIT2" + struct.pack(">I", len(text)) + b"\0\0" + text
    tagged = b"ID3\x04\0\0" + bytes([0, 0, 0, len(frame)]) + frame + content

    info = await probe(source(tagged), limits)

    assert info.tags["title"].startswith("Board")
    assert "\0" not in info.tags["title"]


async def test_a_probe_is_quick_enough_for_an_upload_to_wait_for(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("mp3", "libmp3lame", rate=44_100)
    started = time.monotonic()

    await probe(source(content), limits)

    # About 0.1 s on an idle machine; the bound is for a busy one.
    assert time.monotonic() - started < 5.0
