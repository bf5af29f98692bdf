"""Sound behind something that is no sound: found by its own beginning, or by what the file's name says."""

from collections.abc import Callable

import numpy as np
import pytest

from echoic import errors
from echoic.engines.media.parent import MediaLimits, MediaSource, decode, probe
from echoic.records import Audio, MediaInfo
from tests.engines.sounds import loudness_of

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
HTTP_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: audio/flac\r\n\r\n"
NOISE = np.random.default_rng(7).bytes(5000)
FORMS = {
    "flac": ("flac", "flac", {}),
    "wav": ("wav", "pcm_s16le", {}),
    "mp3": ("mp3", "libmp3lame", {"rate": 44_100}),
    "m4a": ("ipod", "aac", {"rate": 44_100}),
    "aac": ("adts", "aac", {"rate": 44_100}),
    "ogg": ("ogg", "libopus", {"rate": 48_000}),
    "webm": ("webm", "libopus", {"rate": 48_000}),
}


async def decoded(content: MediaSource, limits: MediaLimits, extension: str) -> tuple[MediaInfo, Audio]:
    pcm = bytearray()

    async def keep(window: bytes) -> None:
        pcm.extend(window)

    info = await decode(content, limits, on_audio=keep, extension=extension)
    return info, np.frombuffer(bytes(pcm), dtype="<i2").astype(np.float32) / np.float32(32_768)


@pytest.mark.parametrize("junk", [HTTP_HEAD, b"\r\n", NOISE, bytes(9000)], ids=["head", "line", "noise", "zeros"])
@pytest.mark.parametrize("extension", FORMS)
async def test_sound_behind_junk_is_found(
    encode: Encode, source: Source, limits: MediaLimits, junk: bytes, extension: str
) -> None:
    container, codec, changes = FORMS[extension]
    content = source(junk + encode(container, codec, seconds=4.0, **changes))

    probed = await probe(content, limits, extension=extension)
    info, audio = await decoded(content, limits, extension)

    assert probed.codec == info.codec
    assert info.duration_seconds == pytest.approx(4.0, abs=0.5)
    assert loudness_of(audio, 440, 1.0, 3.0) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("extension", ["flac", "FLAC"])
async def test_flac_without_its_head_is_decoded_by_its_name(
    encode: Encode, source: Source, limits: MediaLimits, extension: str
) -> None:
    content = encode("flac", "flac", seconds=6.0)
    frame = content.index(b"\xff\xf8", 42)

    info, audio = await decoded(source(content[frame:]), limits, extension)

    assert info.duration_seconds == pytest.approx(6.0, abs=0.3)
    assert loudness_of(audio, 440, 1.0, 5.0) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Minutes of the meeting. Nothing was said.\n" * 5000, id="text"),
        pytest.param(b"PK\x03\x04" + np.random.default_rng(8).bytes(300_000), id="zip"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + np.random.default_rng(9).bytes(300_000), id="picture"),
        pytest.param(bytes(300_000), id="zeros"),
    ],
)
@pytest.mark.parametrize("extension", ["mp3", "aac", "flac", "ogg", "wav", "m4a"])
async def test_a_name_does_not_make_sound_of_what_is_none(
    source: Source, limits: MediaLimits, content: bytes, extension: str
) -> None:
    with pytest.raises(errors.NotAudio):
        await probe(source(content), limits, extension=extension)


async def test_a_zip_archive_of_recordings_is_no_recording(encode: Encode, source: Source, limits: MediaLimits) -> None:
    archive = b"PK\x03\x04\x0a" + bytes(21) + b"\x05\0\0\0a.wav" + encode("wav", "pcm_s16le")

    with pytest.raises(errors.NotAudio, match="ZIP archive"):
        await probe(source(archive), limits, extension="wav")
