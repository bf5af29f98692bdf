"""An AVI with a hole: what was lost is told, and what follows keeps the time that the index or the bytes say."""

import io
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import cast

import av
import av.audio.stream
import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo
from echoic.units import SAMPLE_RATE
from tests.engines.sounds import loudness_of

Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]
Filling = Callable[[int], bytes]

CODECS = ["libmp3lame", "pcm_s16le", "pcm_mulaw", "ac3", "aac", "adpcm_ms"]
RATES = {"ac3": 48_000}
SECONDS = 30
PICTURES = 10
"""A second."""
NOISE = np.random.default_rng(4).bytes
FILLINGS: dict[str, Filling] = {"zeros": bytes, "noise": NOISE}


class Pipe(io.BytesIO):
    """A target in which nobody can go back: lengths and index are not written."""

    def seekable(self) -> bool:
        return False


def film(codec: str, *, with_picture: bool, target: io.BytesIO | None = None) -> bytes:
    """An AVI in which the first half sounds at 300 Hz, the second at 500 Hz."""
    target = target or io.BytesIO()
    rate = RATES.get(codec, SAMPLE_RATE)
    times = np.arange(SECONDS * rate) / rate
    tone = 16_000 * np.sin(2 * np.pi * np.where(times < SECONDS / 2, 300, 500) * times)
    with av.open(target, "w", format="avi") as output:
        video = output.add_stream("mpeg4", rate=PICTURES) if with_picture else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = cast("av.audio.stream.AudioStream", output.add_stream(codec, rate=rate, layout="mono"))
        for number in range(SECONDS * PICTURES):
            if video is not None:
                picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 250, dtype=np.uint8), format="rgb24")
                picture.pts, picture.time_base = number, Fraction(1, PICTURES)
                output.mux(video.encode(picture))
            start = number * rate // PICTURES
            part = tone[start : start + rate // PICTURES].astype(np.int16).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
        if video is not None:
            output.mux(video.encode(None))
    return target.getvalue()


def damaged(content: bytes, filling: Filling, *holes: tuple[float, float]) -> bytes:
    """The film with bytes overwritten, from one share of its size to another."""
    for first, last in holes:
        start, end = int(len(content) * first), int(len(content) * last)
        content = content[:start] + filling(end - start) + content[end:]
    return content


@pytest.mark.parametrize("filling", FILLINGS)
@pytest.mark.parametrize("with_picture", [True, False], ids=["film", "sound"])
@pytest.mark.parametrize("codec", CODECS)
async def test_what_follows_a_hole_keeps_its_time_by_the_index(
    decoded: Decoded, source: Source, limits: MediaLimits, *, codec: str, with_picture: bool, filling: str
) -> None:
    content = damaged(film(codec, with_picture=with_picture), FILLINGS[filling], (0.2, 0.35))

    info, audio = await decoded(source(content), limits)

    assert 3.0 < info.damaged_seconds < 7.0
    assert info.duration_seconds == pytest.approx(SECONDS, abs=0.3)
    assert (info.told_seconds, info.unread_bytes) == (None, 0)
    assert loudness_of(audio, 300, 1.0, 4.0) > 0.3
    assert loudness_of(audio, 300, 12.0, 14.8) > 0.3
    assert loudness_of(audio, 500, 15.2, 29.5) > 0.3


@pytest.mark.parametrize("codec", CODECS)
async def test_of_several_holes_each_is_counted(
    decoded: Decoded, source: Source, limits: MediaLimits, codec: str
) -> None:
    content = damaged(film(codec, with_picture=True), NOISE, (0.1, 0.2), (0.6, 0.7))

    info, audio = await decoded(source(content), limits)

    assert 5.0 < info.damaged_seconds < 9.0
    assert info.duration_seconds == pytest.approx(SECONDS, abs=0.3)
    assert loudness_of(audio, 300, 8.0, 14.8) > 0.3
    assert loudness_of(audio, 500, 24.0, 29.0) > 0.3


@pytest.mark.parametrize("codec", CODECS)
async def test_without_an_index_what_was_lost_is_reckoned_by_its_bytes(
    decoded: Decoded, source: Source, limits: MediaLimits, codec: str
) -> None:
    content = damaged(film(codec, with_picture=True, target=Pipe()), NOISE, (0.2, 0.35))

    info, audio = await decoded(source(content), limits)

    assert 3.5 < info.damaged_seconds < 6.0
    assert info.duration_seconds == pytest.approx(SECONDS, abs=1.0)
    assert loudness_of(audio, 500, 16.0, 28.5) > 0.3


@pytest.mark.parametrize("codec", CODECS)
async def test_a_hole_that_takes_the_end_is_told(
    decoded: Decoded, source: Source, limits: MediaLimits, codec: str
) -> None:
    content = damaged(film(codec, with_picture=True), bytes, (0.7, 1.0))

    info, _ = await decoded(source(content), limits)

    assert 5.5 < info.damaged_seconds < 10.0
    assert info.duration_seconds is not None
    assert info.duration_seconds + info.damaged_seconds == pytest.approx(SECONDS, abs=0.3)


@pytest.mark.parametrize("target", [io.BytesIO, Pipe], ids=["file", "pipe"])
@pytest.mark.parametrize("with_picture", [True, False], ids=["film", "sound"])
@pytest.mark.parametrize("codec", CODECS)
async def test_a_whole_film_has_lost_nothing(
    decoded: Decoded,
    source: Source,
    limits: MediaLimits,
    *,
    codec: str,
    with_picture: bool,
    target: Callable[[], io.BytesIO],
) -> None:
    content = film(codec, with_picture=with_picture, target=target())

    info, audio = await decoded(source(content), limits)

    assert info.damaged_seconds < 0.1
    assert (info.told_seconds, info.unread_bytes) == (None, 0)
    # FFmpeg takes a frame of AAC that is larger than usual for two; and frames are padded at the end.
    assert info.duration_seconds == pytest.approx(SECONDS, abs=0.2)
    assert loudness_of(audio, 300, 1.0, 14.8) > 0.3
    assert loudness_of(audio, 500, 15.2, 29.5) > 0.3
