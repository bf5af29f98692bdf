"""WavPack says of each block where it belongs and what its samples add up to: damage is told, and never heard as noise."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo
from echoic.units import SAMPLE_RATE
from tests.engines.sounds import loudness_of

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]

FORMS = [("mono", SAMPLE_RATE), ("stereo", 44_100)]
NOISE = np.random.default_rng(5).bytes


def made(encode: Encode, container: str = "wv", **changes: object) -> bytes:
    return encode(container, "wavpack", **{"seconds": 24.0, **changes})


def blocks_of(content: bytes) -> list[int]:
    """Where each block begins."""
    starts, at = [], 0
    while content[at : at + 4] == b"wvpk":
        starts.append(at)
        at += 8 + int.from_bytes(content[at + 4 : at + 8], "little")
    return starts


def with_changed_byte(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]


def is_at_most(audio: Audio, peak: float) -> bool:
    return bool(np.max(np.abs(audio)) <= peak)


@pytest.mark.parametrize(("layout", "rate"), FORMS)
@pytest.mark.parametrize("container", ["wv", "matroska"])
async def test_one_damaged_byte_makes_its_block_silent(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, *, container: str, layout: str, rate: int
) -> None:
    content = made(encode, container, layout=layout, rate=rate, hertz=300.0)

    info, audio = await decoded(source(with_changed_byte(content, len(content) // 2)), limits)

    assert 0.4 < info.damaged_seconds < 6.0
    assert info.duration_seconds == pytest.approx(24.0, abs=0.1)
    assert info.told_seconds is None
    assert loudness_of(audio, 300, 1.0, 7.5) == pytest.approx(0.5, abs=0.02)
    assert loudness_of(audio, 300, 17.0, 23.0) == pytest.approx(0.5, abs=0.02)
    assert is_at_most(audio, 0.52)


@pytest.mark.parametrize("filling", [bytes, NOISE, lambda _: b""], ids=["zeros", "noise", "cut out"])
@pytest.mark.parametrize(("layout", "rate"), FORMS)
async def test_blocks_behind_a_hole_are_heard_at_their_times(
    decoded: Decoded,
    encode: Encode,
    source: Source,
    limits: MediaLimits,
    *,
    filling: Callable[[int], bytes],
    layout: str,
    rate: int,
) -> None:
    content = made(encode, layout=layout, rate=rate)
    start, end = len(content) * 2 // 5, len(content) * 3 // 5

    info, audio = await decoded(source(content[:start] + filling(end - start) + content[end:]), limits)

    assert 4.5 < info.damaged_seconds < 13.0
    assert info.duration_seconds == pytest.approx(24.0, abs=0.1)
    assert (info.told_seconds, info.unread_bytes, info.recordings) == (None, 0, 1)
    assert loudness_of(audio, 440, 1.0, 7.5) == pytest.approx(0.5, abs=0.02)
    assert loudness_of(audio, 440, 10.0, 14.0) < 0.4
    assert loudness_of(audio, 440, 20.5, 23.5) == pytest.approx(0.5, abs=0.02)


# The size of a block, the number of its first sample, how many it has, and its flags.
@pytest.mark.parametrize("at", [5, 18, 21, 24, 27])
async def test_a_damaged_head_of_a_block_moves_nothing_else(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, at: int
) -> None:
    content = made(encode)
    block = blocks_of(content)[2]

    info, audio = await decoded(source(with_changed_byte(content, block + at)), limits)

    assert info.damaged_seconds < 8.5
    assert info.duration_seconds == pytest.approx(24.0, abs=0.1)
    assert loudness_of(audio, 440, 1.0, 7.5) == pytest.approx(0.5, abs=0.02)
    assert loudness_of(audio, 440, 16.5, 23.5) == pytest.approx(0.5, abs=0.02)
    assert info.damaged_seconds > 1.0 or loudness_of(audio, 440, 8.5, 15.5) == pytest.approx(0.5, abs=0.02)


async def test_a_hole_over_the_border_of_two_recordings_keeps_the_second_behind_the_first(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    first, second = made(encode, hertz=300.0), made(encode, hertz=500.0)
    lost = len(first) // 4

    info, audio = await decoded(source(first[:-lost] + bytes(2 * lost) + second[lost:]), limits)

    assert info.duration_seconds == pytest.approx(48.0, abs=0.1)
    assert 12.0 < info.damaged_seconds < 20.0
    assert loudness_of(audio, 300, 1.0, 15.5) == pytest.approx(0.5, abs=0.02)
    assert loudness_of(audio, 500, 33.0, 47.0) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("layout", "rate"), [*FORMS, ("mono", 8_000), ("stereo", 37_800)])
async def test_a_whole_file_has_lost_nothing(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, *, layout: str, rate: int
) -> None:
    content = bytearray(made(encode, layout=layout, rate=rate))
    of_unknown_length = content[:12] + b"\xff" * 4 + content[16:]

    for each in (content, of_unknown_length):
        info, audio = await decoded(source(bytes(each)), limits)

        assert (info.damaged_seconds, info.told_seconds, info.unread_bytes) == (0.0, None, 0)
        assert info.duration_seconds == pytest.approx(24.0, abs=0.05)
        assert loudness_of(audio, 440, 1.0, 23.0) == pytest.approx(0.5, abs=0.02)


async def test_a_writer_with_checksums_of_its_own_is_heard(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytearray(made(encode, rate=44_100))
    for block in blocks_of(bytes(content)):
        content[block + 28 : block + 32] = b"\1\2\3\4"

    info, audio = await decoded(source(bytes(content)), limits)

    assert info.damaged_seconds == 0.0
    assert info.duration_seconds == pytest.approx(24.0, abs=0.05)
    assert loudness_of(audio, 440, 1.0, 23.0) == pytest.approx(0.5, abs=0.02)
