"""A file that says less of its sound than it holds: what lies behind the sound that was read is told."""

import struct
from collections.abc import Awaitable, Callable

import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo
from tests.engines.sounds import loudness_of

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]
Form = tuple[str, str, dict[str, object]]

W64: Form = ("w64", "pcm_s16le", {})
AIFF: Form = ("aiff", "pcm_s16be", {})
AU: Form = ("au", "pcm_s16be", {})
ASF: Form = ("asf", "wmav2", {"rate": 44_100, "bit_rate": 128_000})
FORMS = [W64, AIFF, AU, ASF]
SOUND_OBJECT = b"\x36\x26\xb2\x75\x8e\x66\xcf\x11"
SECONDS = 20.0
SOUND_BYTES = 64_000


def made(encode: Encode, form: Form, hertz: float = 440.0) -> bytes:
    container, codec, changes = form
    return encode(container, codec, seconds=SECONDS, hertz=hertz, **changes)


def saying_less(form: Form, content: bytes) -> bytes:
    """The file with sound of ``SOUND_BYTES``, as far as it says; its length as a whole is right."""
    result = bytearray(content)
    if form is AU:
        result[8:12] = struct.pack(">I", SOUND_BYTES)
    elif form is AIFF:
        frames, sound = content.index(b"COMM") + 10, content.index(b"SSND") + 4
        result[frames : frames + 4] = struct.pack(">I", SOUND_BYTES // 2)
        result[sound : sound + 4] = struct.pack(">I", SOUND_BYTES + 8)
    else:
        sound = content.index(b"data" if form is W64 else SOUND_OBJECT) + 16
        result[sound : sound + 8] = struct.pack("<Q", SOUND_BYTES + 24)
    return bytes(result)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0])
async def test_sound_behind_what_a_file_says_to_hold_is_told(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = saying_less(form, made(encode, form))

    info, _ = await decoded(source(content), limits)

    assert info.unread_bytes == pytest.approx(len(content) - SOUND_BYTES, abs=8000)
    # The head of an ASF file states its length by itself, beside the sizes.
    assert info.told_seconds == (pytest.approx(SECONDS, abs=0.1) if form is ASF else None)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0])
async def test_a_recording_that_was_joined_to_one_is_heard(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = saying_less(form, made(encode, form)) + made(encode, form, 700.0)

    info, audio = await decoded(source(content), limits)

    assert info.recordings == 2
    assert info.unread_bytes > len(content) // 4
    assert loudness_of(audio[-16_000 * 18 :], 700) > 0.2


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0])
async def test_whole_files_are_read_to_the_end(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = made(encode, form)

    info, audio = await decoded(source(content + made(encode, form, 700.0)), limits)

    assert (info.unread_bytes, info.told_seconds, info.recordings) == (0, None, 2)
    assert info.duration_seconds == pytest.approx(2 * SECONDS, abs=0.2)
    assert loudness_of(audio, 440, 1.0, 19.0) > 0.4
    assert loudness_of(audio, 700, 21.0, 39.0) > 0.4


@pytest.mark.parametrize("form", [W64, ASF], ids=lambda form: form[0])
async def test_parts_that_nobody_knows_behind_the_sound_are_no_sound(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = bytearray(made(encode, form))
    part = bytes(range(100, 116)) + struct.pack("<Q", 9000) + bytes(range(1, 251)) * 35 + b"\1" * 226
    size = 16 if form is W64 else content.index(b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11") + 40
    content += b"\1" * (-len(content) % 8) if form is W64 else b""
    content[size : size + 8] = struct.pack("<Q", len(content) + 2 * len(part))

    info, _ = await decoded(source(bytes(content) + part + part), limits)

    assert (info.unread_bytes, info.told_seconds) == (0, None)
    assert info.duration_seconds == pytest.approx(SECONDS, abs=0.2)
