import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource, decode, probe
from echoic.records import Audio, MediaInfo
from echoic.units import SAMPLE_RATE

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[[MediaSource, MediaLimits], Awaitable[tuple[MediaInfo, Audio]]]
BYTES_PER_SECOND = 2 * SAMPLE_RATE


def loudest_hertz(audio: Audio) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio))) * SAMPLE_RATE / len(audio))


def level(audio: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(audio))))


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
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Format
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
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
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


async def test_silence_is_audio_like_any_other(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    _, audio = await decoded(source(encode("flac", "flac", seconds=2.0, hertz=0.0)), limits)

    assert len(audio) == 2 * SAMPLE_RATE
    assert not audio.any()


async def test_a_pause_that_the_recorder_left_out_becomes_silence_of_its_length(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
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
