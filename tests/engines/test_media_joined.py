"""Recordings that were joined by writing one after the other are all decoded, or what was not read is told."""

import struct
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo
from tests.engines.sounds import loudness_of, pcm, tone, wav

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]

ID3V2 = b"ID3\x04\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0"
ID3V1 = b"TAG" + bytes(125)
JUNK = np.random.default_rng(1).bytes(100_000)


def in_turn(audio: Audio, info: MediaInfo, hertz: tuple[float, ...], seconds: float = 2.0) -> None:
    """Each tone is heard in its time, and none of the others is."""
    assert info.duration_seconds == pytest.approx(len(hertz) * seconds, abs=0.2)
    for number in range(len(hertz)):
        begin, end = number * seconds + 0.3, (number + 1) * seconds - 0.3
        for other, each in enumerate(hertz):
            loudness = loudness_of(audio, each, begin, end)
            assert loudness > 0.2 if other == number else loudness < 0.03, f"{each} Hz at {begin} s: {loudness}"


A, B, C = (wav(tone(hertz, 2.0)) for hertz in (300, 500, 800))
B_STEREO = wav(tone(500, 2.0, rate=44_100), tone(500, 2.0, rate=44_100), rate=44_100)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(A + B, id="two"),
        pytest.param(A + B_STEREO, id="of another rate and number of channels"),
        pytest.param(A + b"\0" + B, id="with a byte between"),
        pytest.param(A + ID3V2 + B, id="with a tag between"),
        pytest.param(
            wav(tone(300, 2.0), declared=0xFFFF_FFFF) + wav(tone(500, 2.0), declared=0xFFFF_FFFF), id="streamed"
        ),
        pytest.param(wav(tone(300, 2.0), declared=0) + B, id="of a size that was never filled in"),
        pytest.param(A.replace(b"data", b"LIST\4\0\0\0INFOdata", 1) + B, id="with further chunks"),
    ],
)
async def test_joined_wav_files_are_both_heard(
    decoded: Decoded, source: Source, limits: MediaLimits, content: bytes
) -> None:
    info, audio = await decoded(source(content), limits)

    in_turn(audio, info, (300, 500))
    assert (info.recordings, info.unread_bytes, info.told_seconds) == (2, 0, None)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(b"", id="at once"),
        pytest.param(A[12:36], id="with a second format between"),
        pytest.param(chunk(b"LIST", b"INFO"), id="with another chunk between"),
    ],
)
async def test_a_second_chunk_of_sound_is_named_and_takes_no_place(
    decoded: Decoded, source: Source, limits: MediaLimits, between: bytes
) -> None:
    second = chunk(b"data", pcm(tone(500, 2.0)))

    info, audio = await decoded(source(A + between + second + second), limits)

    in_turn(audio, info, (300,))
    assert info.unread_bytes == pytest.approx(2 * len(second), abs=8)


async def test_a_tiny_chunk_of_sound_takes_no_place_of_the_recording(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    info, audio = await decoded(source(A[:36] + chunk(b"data", bytes(200)) + A[36:]), limits)

    in_turn(audio, info, (300,))
    assert (info.unread_bytes, info.told_seconds) == (0, None)


async def test_more_than_two_are_all_heard(decoded: Decoded, source: Source, limits: MediaLimits) -> None:
    info, audio = await decoded(source(A + B + C), limits)

    in_turn(audio, info, (300, 500, 800))
    assert info.recordings == 3


FORMS = [
    ("flac", "flac", {}),
    ("flac", "flac", {"rate": 44_100, "layout": "stereo"}),
    ("ogg", "vorbis", {"rate": 48_000, "layout": "stereo"}),
    ("ogg", "libopus", {"rate": 48_000}),
    ("ogg", "flac", {"rate": 48_000}),
    ("ipod", "aac", {"rate": 44_100}),
    ("adts", "aac", {"rate": 44_100}),
    ("mp3", "libmp3lame", {"rate": 44_100}),
    ("aiff", "pcm_s16be", {"rate": 22_050}),
    ("webm", "libopus", {"rate": 48_000}),
    ("wav", "pcm_s16le", {"rate": 8_000}),
    ("w64", "pcm_s16le", {"rate": 22_050}),
    ("caf", "pcm_s16be", {"rate": 22_050}),
    ("caf", "alac", {"rate": 44_100}),
    ("wv", "wavpack", {"rate": 22_050, "layout": "stereo"}),
    ("asf", "wmav2", {"rate": 44_100, "bit_rate": 128_000}),
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form[0]}-{form[1]}-{form[2].get('layout', 'mono')}")
async def test_joined_files_of_one_kind_are_both_heard(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: tuple[str, str, dict[str, object]]
) -> None:
    container, codec, changes = form
    first, second = (encode(container, codec, seconds=2.0, hertz=hertz, **changes) for hertz in (300.0, 500.0))

    info, audio = await decoded(source(first + second), limits)

    in_turn(audio, info, (300, 500))
    assert (info.unread_bytes, info.told_seconds) == (0, None)


@pytest.mark.parametrize(
    "forms",
    [
        (
            ("ogg", "vorbis", {"rate": 22_050, "layout": "stereo"}),
            ("ogg", "vorbis", {"rate": 44_100, "layout": "stereo"}),
        ),
        (("ogg", "libopus", {"rate": 48_000}), ("ogg", "libopus", {"rate": 48_000, "layout": "stereo"})),
        (("ogg", "flac", {"rate": 48_000}), ("ogg", "flac", {"rate": 16_000})),
        (("ogg", "libopus", {"rate": 48_000}), ("ogg", "vorbis", {"rate": 22_050, "layout": "stereo"})),
        (("flac", "flac", {"rate": 16_000}), ("flac", "flac", {"rate": 44_100, "layout": "stereo"})),
        (("adts", "aac", {"rate": 16_000}), ("adts", "aac", {"rate": 44_100, "layout": "stereo"})),
        (("mp3", "libmp3lame", {"rate": 16_000}), ("mp3", "libmp3lame", {"rate": 44_100, "layout": "stereo"})),
        (("ipod", "aac", {"rate": 16_000}), ("ipod", "aac", {"rate": 48_000, "layout": "stereo"})),
        (("flac", "flac", {}), ("wav", "pcm_s16le", {})),
        (("wav", "pcm_s16le", {}), ("mp3", "libmp3lame", {"rate": 44_100})),
        (("wav", "pcm_s16le", {}), ("flac", "flac", {})),
        (("wav", "pcm_s16le", {}), ("ogg", "libopus", {"rate": 48_000})),
        (("wav", "pcm_s16le", {}), ("aiff", "pcm_s16be", {"rate": 22_050})),
        (("ipod", "aac", {"rate": 16_000}), ("wav", "pcm_s16le", {})),
        (("w64", "pcm_s16le", {}), ("wv", "wavpack", {"rate": 22_050})),
        (("wv", "wavpack", {}), ("caf", "pcm_s16be", {"rate": 22_050})),
        (("caf", "pcm_s16be", {}), ("mp3", "libmp3lame", {"rate": 44_100})),
        (("asf", "wmav2", {"rate": 44_100, "bit_rate": 128_000}), ("w64", "pcm_s16le", {})),
        (("mp3", "libmp3lame", {"rate": 44_100}), ("ogg", "libopus", {"rate": 48_000})),
        (("ipod", "aac", {"rate": 16_000}), ("webm", "libopus", {"rate": 48_000})),
    ],
    ids=lambda forms: "-".join(f"{form[0]}-{form[1]}" for form in forms),
)
async def test_joined_files_of_different_forms_are_both_heard(
    decoded: Decoded,
    encode: Encode,
    source: Source,
    limits: MediaLimits,
    forms: tuple[tuple[str, str, dict[str, object]], ...],
) -> None:
    pieces = [
        encode(container, codec, seconds=2.0, hertz=hertz, **changes)
        for (container, codec, changes), hertz in zip(forms, (300.0, 500.0), strict=True)
    ]

    info, audio = await decoded(source(b"".join(pieces)), limits)

    in_turn(audio, info, (300, 500))
    assert (info.unread_bytes, info.told_seconds) == (0, None)


@pytest.mark.parametrize("container", ["wav", "ipod"])
async def test_text_behind_a_recording_is_told_as_such_and_makes_it_no_longer(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, container: str
) -> None:
    content = A if container == "wav" else encode("ipod", "aac", rate=44_100, seconds=2.0, hertz=300.0)
    text = b"random text notes " * 20_000

    info, audio = await decoded(source(content + text), limits)

    in_turn(audio, info, (300,))
    assert info.told_seconds is None
    assert info.unread_bytes == pytest.approx(len(text), abs=8)


async def test_a_tag_that_breaks_off_behind_the_sound_makes_a_wav_file_no_longer(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    content = A + b"LIST" + (64_000).to_bytes(4, "little") + b"INFO" + b"x" * 1000

    info, _ = await decoded(source(content), limits)

    assert (info.told_seconds, info.duration_seconds) == (None, 2.0)


async def test_the_same_ogg_twice_is_heard_twice(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("ogg", "vorbis", rate=48_000, layout="stereo", seconds=2.0, hertz=300.0)

    info, audio = await decoded(source(content + content), limits)

    assert info.duration_seconds == pytest.approx(4.0, abs=0.1)
    assert loudness_of(audio, 300, 2.2, 3.8) > 0.2


async def test_mp3_files_with_tags_at_both_ends_are_all_heard(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    first, second = (encode("mp3", "libmp3lame", rate=44_100, seconds=2.0, hertz=hertz) for hertz in (300.0, 500.0))

    info, audio = await decoded(source(ID3V2 + first + ID3V1 + ID3V2 + second + ID3V1), limits)

    in_turn(audio, info, (300, 500))
    assert info.unread_bytes == 0


@pytest.mark.parametrize("rest", [JUNK, JUNK + B, ID3V2 + JUNK], ids=["junk", "junk before another", "a tag and junk"])
async def test_bytes_that_are_no_sound_are_counted(
    decoded: Decoded, source: Source, limits: MediaLimits, rest: bytes
) -> None:
    info, audio = await decoded(source(A + rest), limits)

    assert info.unread_bytes == pytest.approx(len(JUNK), abs=100)
    assert loudness_of(audio, 300, 0.3, 1.7) > 0.2
    assert info.recordings == (2 if rest.endswith(B) else 1)


@pytest.mark.parametrize(
    "rest", [ID3V2 + bytes(50), ID3V1, bytes(200_000), b"\n"], ids=["ID3v2", "ID3v1", "zeros", "end of line"]
)
async def test_tags_and_padding_behind_a_recording_are_not_worth_a_word(
    decoded: Decoded, source: Source, limits: MediaLimits, rest: bytes
) -> None:
    info, _ = await decoded(source(A + rest), limits)

    assert (info.unread_bytes, info.recordings, info.duration_seconds) == (0, 1, 2.0)


async def test_what_a_recording_holds_of_other_files_is_not_taken_for_another(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    size = len(B) + 10
    cover = b"ID3\x03\0\0" + bytes((size >> 21 & 0x7F, size >> 14 & 0x7F, size >> 7 & 0x7F, size & 0x7F))
    tagged = cover + b"GEOB" + len(B).to_bytes(4, "big") + b"\0\0" + B

    info, audio = await decoded(
        source(tagged + encode("mp3", "libmp3lame", rate=44_100, seconds=2.0, hertz=300.0)), limits
    )

    assert info.recordings == 1
    assert info.duration_seconds == pytest.approx(2.0, abs=0.1)
    assert loudness_of(audio, 500) < 0.01


async def test_pictures_in_tags_of_joined_mp3_files_are_not_counted_as_unread(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    picture = b"ID3\x03\0\0\0\x0f\0\0" + bytes(10) + b"\xff\xd8" + JUNK + bytes((0x0F << 14) - 12 - len(JUNK))
    first, second = (encode("mp3", "libmp3lame", rate=44_100, seconds=2.0, hertz=hertz) for hertz in (300.0, 500.0))
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, len(JUNK) + 32, 1, 0) + bytes(8)

    info, audio = await decoded(source(picture + first + picture + second + JUNK + footer), limits)

    in_turn(audio, info, (300, 500))
    assert info.unread_bytes == 0


async def test_a_picture_in_the_tag_behind_a_wavpack_file_is_not_counted_as_unread(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("wv", "wavpack", seconds=2.0, hertz=300.0)
    head = b"APETAGEX" + struct.pack("<IIII", 2000, len(JUNK) + 32, 1, 1 << 31) + bytes(8)

    info, _ = await decoded(source(content + head + JUNK + head), limits)

    assert (info.unread_bytes, info.recordings, info.told_seconds) == (0, 1, None)
