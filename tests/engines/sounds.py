"""Recordings made for the tests: tones as people, one frequency each, in files of several channels, tracks and pieces."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import av.audio.stream
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from echoic.records import Audio
from echoic.units import SAMPLE_RATE

FRAME_SAMPLES = 960
NO_DISPOSITION = Disposition(0)
Samples = NDArray[np.float64]


def tone(hertz: float, seconds: float, *, rate: int = SAMPLE_RATE, loudness: float = 0.3) -> Samples:
    """Somebody speaks."""
    samples: Samples = loudness * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return samples


def silence(seconds: float, *, rate: int = SAMPLE_RATE) -> Samples:
    return np.zeros(round(seconds * rate))


def loudness_of(audio: Audio, hertz: float, start: float = 0.0, end: float | None = None) -> float:
    """How loud a tone is between two times, as its amplitude."""
    part = audio[round(start * SAMPLE_RATE) : None if end is None else round(end * SAMPLE_RATE)]
    if not len(part):
        return 0.0
    turns = np.exp(-2j * np.pi * hertz * np.arange(len(part)) / SAMPLE_RATE)
    return float(2 * abs(np.mean(part * turns)))


def pcm(*channels: Samples) -> bytes:
    return (np.clip(np.stack(channels, axis=1), -1, 1) * 32_767).round().astype("<i2").tobytes()


def wav(*channels: Samples, rate: int = SAMPLE_RATE, mask: int | None = None, declared: int | None = None) -> bytes:
    """A WAV file of these channels: plain, or extensible with a mask of channels; ``declared`` is the size it claims."""
    data = pcm(*channels)
    count = len(channels)
    form = struct.pack("<HHIIHH", 1 if mask is None else 0xFFFE, count, rate, 2 * count * rate, 2 * count, 16)
    if mask is not None:
        form += struct.pack("<HHI", 22, 16, mask) + b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    size = len(data) if declared is None else declared
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", min(len(body) - len(data) + size, 0xFFFF_FFFF)) + body


@dataclass(frozen=True, kw_only=True)
class Track:
    """An audio track of a file."""

    samples: Samples
    language: str | None = None
    title: str | None = None
    disposition: Disposition = NO_DISPOSITION
    codec: str | None = None


def film(container: str, codec: str, tracks: Sequence[Track], *, rate: int = 48_000) -> bytes:
    """A file with several audio tracks of one channel each, whose samples are at ``rate``."""
    content = io.BytesIO()
    with av.open(content, "w", format=container) as output:
        streams = []
        for track in tracks:
            stream = cast(
                "av.audio.stream.AudioStream",
                output.add_stream(track.codec or codec, rate=rate, layout="mono", options={"strict": "experimental"}),
            )
            if track.language:
                stream.metadata["language"] = track.language
            if track.title:
                stream.metadata["title"] = track.title
            stream.disposition = track.disposition
            streams.append(stream)
        longest = max(len(track.samples) for track in tracks)
        for start in range(0, longest, FRAME_SAMPLES):
            for stream, track in zip(streams, tracks, strict=True):
                part = track.samples[start : start + FRAME_SAMPLES]
                if not len(part):
                    continue
                frame = av.AudioFrame.from_ndarray(
                    (part * 32_767).round().astype(np.int16).reshape(1, -1), format="s16", layout="mono"
                )
                frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    return content.getvalue()
