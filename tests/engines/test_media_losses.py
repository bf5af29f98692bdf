"""Sound that is lost within a file is told, whatever holds it; what a whole file leaves out by itself is not."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo
from tests.engines.sounds import loudness_of

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]
Form = tuple[str, str, dict[str, object]]
Filling = Callable[[int], bytes]
Overwritten = Callable[[Form, Filling], MediaSource]

SECONDS = 30.0
CLOCKED: list[Form] = [
    ("flac", "flac", {}),
    ("ogg", "vorbis", {"rate": 48_000, "layout": "stereo"}),
    ("ogg", "libopus", {"rate": 48_000}),
    ("matroska", "ac3", {"rate": 48_000}),
    ("matroska", "aac", {"rate": 44_100}),
    ("webm", "libopus", {"rate": 48_000}),
    ("mp4", "eac3", {"rate": 48_000}),
]
COUNTED: list[Form] = [("mp3", "libmp3lame", {"rate": 44_100}), ("adts", "aac", {"rate": 44_100})]
"""Without times in the file: what is lost is reckoned by its bytes."""
NOISE = np.random.default_rng(3).bytes
FILLINGS = {"zeros": bytes, "noise": NOISE}


def made(encode: Encode, form: Form) -> bytes:
    container, codec, changes = form
    return encode(container, codec, seconds=SECONDS, **changes)


@pytest.fixture
def overwritten(encode: Encode, source: Source) -> Overwritten:
    """A recording whose middle is filled with something else."""
    return lambda form, filling: source(damaged(made(encode, form), filling))


def damaged(content: bytes, filling: Filling, first: float = 0.35, last: float = 0.65) -> bytes:
    start, end = int(len(content) * first), int(len(content) * last)
    return content[:start] + filling(end - start) + content[end:]


@pytest.mark.parametrize(
    ("form", "filling"),
    [
        pytest.param(form, filling, id=f"{form[0]}-{form[1]}-{name}")
        for form in CLOCKED + COUNTED
        for name, filling in FILLINGS.items()
    ],
)
async def test_sound_that_is_overwritten_in_the_middle_is_told_and_the_rest_keeps_its_time(
    decoded: Decoded, overwritten: Overwritten, limits: MediaLimits, form: Form, filling: Filling
) -> None:
    info, audio = await decoded(overwritten(form, filling), limits)

    # Matroska goes on at the next cluster, five seconds on; Ogg at the next page.
    assert 8.0 < info.damaged_seconds < 15.5
    assert info.duration_seconds == pytest.approx(SECONDS, abs=0.6)
    assert info.told_seconds is None
    assert loudness_of(audio, 440, 2.0, 8.0) > 0.3
    assert loudness_of(audio, 440, 26.0, 29.0) > 0.3


@pytest.mark.parametrize("form", CLOCKED + COUNTED, ids=lambda form: f"{form[0]}-{form[1]}")
async def test_a_whole_file_has_lost_nothing(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    info, _ = await decoded(source(made(encode, form)), limits)

    assert info.damaged_seconds < 0.2
    assert (info.told_seconds, info.unread_bytes) == (None, 0)


@pytest.mark.parametrize(
    "form", [("ogg", "libopus"), ("webm", "libopus"), ("matroska", "aac"), ("mp4", "aac")], ids=lambda form: form[0]
)
async def test_a_pause_in_the_clock_of_a_whole_file_is_no_loss(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: tuple[str, str]
) -> None:
    content = encode(*form, rate=48_000, seconds=10.0, delay=lambda second: 7.0 if second > 4.0 else 0.0)

    info, audio = await decoded(source(content), limits)

    assert info.duration_seconds == pytest.approx(17.0, abs=0.2)
    assert info.damaged_seconds < 0.2
    assert loudness_of(audio, 440, 5.0, 10.0) < 0.01


TAG = b"ID3\x03\0\0\0\0\0\x40PRIV" + NOISE(60)
APE = b"APETAGEX" + (2000).to_bytes(4, "little") + (50_032).to_bytes(4, "little") + bytes(16) + NOISE(50_000)
ID3V1 = b"TAG" + b"title".ljust(125, b"\0")


@pytest.mark.parametrize("form", COUNTED, ids=lambda form: form[0])
async def test_tags_and_cut_frames_among_frames_are_no_loss(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = made(encode, form)
    pieces = [content[1500:80_000], content[80_000:160_000], content[160_000:]]

    info, _ = await decoded(source(TAG.join(pieces) + APE + ID3V1), limits)

    assert info.damaged_seconds < 0.2
    assert info.duration_seconds == pytest.approx(SECONDS, abs=0.5)


async def test_an_mp3_whose_middle_is_zeros_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    loud, soft = (encode("mp3", "libmp3lame", rate=44_100, seconds=15.0, hertz=hertz) for hertz in (440.0, 0.0))
    content = bytearray(loud)
    tag = content.index(b"Info") if b"Info" in content else content.index(b"Xing")
    frames, size = (int.from_bytes(content[at : at + 4], "big") for at in (tag + 8, tag + 12))
    # Twice the frames in the bytes of one: as in a file of changing bit rate that lost its densest part.
    content[tag + 8 : tag + 12] = (2 * frames).to_bytes(4, "big")
    assert size <= len(soft)

    info, _ = await decoded(source(damaged(bytes(content), bytes)), limits)

    assert info.told_seconds is None
    assert info.damaged_seconds == pytest.approx(15.0 + 4.5, abs=0.5)


async def test_pages_of_ogg_whose_beginning_is_lost_are_not_read(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    first, second = (encode("ogg", "libopus", rate=48_000, seconds=10.0, hertz=hertz) for hertz in (300.0, 500.0))
    kept = len(second) * 2 // 3
    content = first[: len(first) * 2 // 3] + bytes(len(first) + len(second) - len(first) * 2 // 3 - kept)

    info, audio = await decoded(source(content + second[-kept:]), limits)

    assert kept <= info.unread_bytes < len(content) + kept - len(first) // 2
    assert loudness_of(audio, 300, 0.5, 5.0) > 0.3
