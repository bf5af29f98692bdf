"""What is refused says what it is and what would be taken."""

import io
from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

import av
import av.audio.stream
import numpy as np
import pytest

from echoic import errors
from echoic.engines.media.parent import MediaLimits, MediaSource, probe
from tests.engines.sounds import Track, film, tone, wav

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
ALLOWED = "Recordings may be WAV, AIFF, MP3"


async def refusal(content: bytes, source: Source, limits: MediaLimits, extension: str = "mp3") -> str:
    with pytest.raises(errors.NotAudio) as caught:
        await probe(source(content), limits, extension=extension)
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>", "a web page (HTML)"),
        (b"\n  <HTML>\n<body>Please log in</body>", "a web page (HTML)"),
        (b'{"error": "file not found"}', "a JSON document"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML document"),
        ("Protokoll der Sitzung: es wurde über nichts gesprochen.\n".encode() * 40, "a text"),
        ("Protokoll: über nichts\n".encode("latin-1"), "a text"),
        ("Notes".encode("utf-16"), "a text"),
        (b"#EXTM3U\nhttp://radio.example/live\n", "a playlist"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n", "a text of subtitles"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", "a text of subtitles"),
        (b"PK\x03\x04" + bytes(range(256)) * 40, "a ZIP archive"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(500), "a PDF document"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "a picture (JPEG)"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500), "a picture (HEIF)"),
        (b"MThd\0\0\0\6\0\1" + bytes(500), "notes without sound (MIDI)"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(500), "what a Mac keeps beside a file"),
        (bytes(5000), "nothing but zeros"),
    ],
)
async def test_what_is_no_recording_is_called_by_its_name(
    source: Source, limits: MediaLimits, content: bytes, name: str
) -> None:
    message = await refusal(content, source, limits)

    assert message.startswith(f"The file is {name}")
    assert ALLOWED in message


def wav_of_format(tag: int) -> bytes:
    return wav(tone(300, 1.0)).replace(b"\x10\0\0\0\1\0", b"\x10\0\0\0" + tag.to_bytes(2, "little"), 1)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (wav_of_format(0x0022), "DSP Group TrueSpeech"),
        (wav_of_format(0x2001), "DTS"),
        (wav_of_format(0x0270), "ATRAC3"),
        (film("matroska", "tta", [Track(samples=tone(300, 1.0, rate=48_000))]), "TTA (True Audio)"),
    ],
)
async def test_a_codec_that_is_not_decoded_is_named(
    source: Source, limits: MediaLimits, content: bytes, found: str
) -> None:
    message = await refusal(content, source, limits, "wav")

    assert found in message
    assert "It may be PCM, AAC, MP3" in message


async def test_a_codec_that_nobody_knows_is_named_by_its_number(source: Source, limits: MediaLimits) -> None:
    assert "0xabcd" in (await refusal(wav_of_format(0xABCD), source, limits, "wav")).lower()


@pytest.mark.parametrize(("codec", "rate", "bit_rate"), [("g722", 16_000, 64_000), ("g723_1", 8_000, 6_300)])
async def test_the_codecs_of_telephones_are_decoded(
    source: Source, limits: MediaLimits, codec: str, rate: int, bit_rate: int
) -> None:
    content = io.BytesIO()
    with av.open(content, "w", format="wav") as output:
        stream = cast(
            "av.audio.stream.AudioStream", output.add_stream(codec, rate=rate, layout="mono", bit_rate=bit_rate)
        )
        for start in range(0, 2 * rate, 240):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 240), dtype=np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))

    info = await probe(source(content.getvalue()), limits)

    assert info.codec.endswith(codec)


def with_entry(content: bytes, entry: bytes) -> bytes:
    """An MP4 file whose sample entry has another name, as shops give it that encrypt."""
    return content.replace(b"mp4a", entry)


@pytest.mark.parametrize(
    ("entry", "scheme"), [(b"drms", "FairPlay"), (b"enca", "Common Encryption"), (b"aavd", "Audible")]
)
async def test_an_encrypted_file_says_so(
    encode: Encode, source: Source, limits: MediaLimits, entry: bytes, scheme: str
) -> None:
    content = with_entry(encode("ipod", "aac", rate=44_100), entry)

    message = await refusal(content, source, limits, "m4a")

    assert f"encrypted ({scheme})" in message
    assert "without copy protection" in message


async def test_an_encrypted_track_beside_an_open_one_is_left_out(source: Source, limits: MediaLimits) -> None:
    content = film("ipod", "aac", [Track(samples=tone(300, 1.0, rate=48_000))] * 2)
    at = content.rindex(b"mp4a")

    info = await probe(source(content[:at] + b"enca" + content[at + 4 :]), limits)

    assert info.codec == "aac"


async def test_an_mp4_without_its_index_is_told_from_what_is_none(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("ipod", "aac", rate=44_100)

    message = await refusal(content[: content.index(b"moov") - 4], source, limits, "m4a")

    assert "without its index" in message
    assert "broke off" in message


async def test_a_film_without_sound_names_its_picture(source: Source, limits: MediaLimits, silent_film: bytes) -> None:
    message = await refusal(silent_film, source, limits, "mp4")

    assert message.startswith("The file has no sound. It has a picture (")


@pytest.mark.parametrize("rate", [1, 1000, 3999])
async def test_a_sample_rate_at_which_nobody_can_be_understood_is_refused(
    source: Source, limits: MediaLimits, rate: int
) -> None:
    message = await refusal(wav(tone(1, 10.0, rate=rate), rate=rate), source, limits, "wav")

    assert message == f"The file's sample rate is said to be {rate} Hz; it may be 4,000 to 768,000 Hz."


async def test_the_least_sample_rate_is_taken(source: Source, limits: MediaLimits) -> None:
    info: Any = await probe(source(wav(tone(300, 2.0, rate=4000), rate=4000)), limits)

    assert info.sample_rate == 4000


@pytest.mark.parametrize("size", [0, 5000], ids=["that says so", "that was to have some"])
async def test_a_wav_file_without_a_sample_is_said_to_be_empty(source: Source, limits: MediaLimits, size: int) -> None:
    message = await refusal(wav(np.zeros(0), declared=size), source, limits, "wav")

    assert message.startswith("The file is empty")


@pytest.mark.parametrize("kept", [4, 12, 30, 43])
async def test_a_wav_file_that_breaks_off_in_its_head_says_so(source: Source, limits: MediaLimits, kept: int) -> None:
    message = await refusal(wav(tone(300, 1.0))[:kept], source, limits, "wav")

    assert "begins as a recording (WAV)" in message
    assert "broke off" in message


@pytest.mark.parametrize(
    ("container", "codec", "kept", "kind"),
    [
        ("caf", "alac", 0.5, "CAF"),
        ("avi", "libmp3lame", 0.01, "AVI"),
        ("flac", "flac", 0.001, "FLAC"),
        ("matroska", "flac", 0.001, "Matroska or WebM"),
        ("asf", "wmav2", 0.01, "WMA"),
        ("aiff", "pcm_s16be", 0.0001, "AIFF"),
    ],
)
async def test_a_recording_that_breaks_off_before_it_can_be_read_says_so(
    encode: Encode, source: Source, limits: MediaLimits, *, container: str, codec: str, kept: float, kind: str
) -> None:
    content = encode(container, codec, rate=44_100, seconds=2.0, bit_rate=128_000)

    message = await refusal(content[: round(len(content) * kept)], source, limits, container)

    assert f"begins as a recording ({kind})" in message


async def test_a_picture_in_a_container_of_recordings_is_not_said_to_be_one(
    source: Source, limits: MediaLimits
) -> None:
    message = await refusal(b"RIFF\x24\0\0\0WEBPVP8 " + bytes(500), source, limits, "webp")

    assert "in no format that can be decoded" in message
