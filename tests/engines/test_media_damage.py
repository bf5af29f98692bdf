import struct
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from echoic import errors
from echoic.engines.media.parent import MediaLimits, MediaSource, probe
from echoic.records import Audio, MediaInfo
from echoic.units import SAMPLE_RATE

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[[MediaSource, MediaLimits], Awaitable[tuple[MediaInfo, Audio]]]


def loudest_hertz(audio: Audio) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio))) * SAMPLE_RATE / len(audio))


def level(audio: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(audio))))


def wav_bytes(encode: Encode, **changes: Any) -> bytearray:
    """A wav whose header is the classic 44 bytes."""
    full = encode("wav", "pcm_s16le", **changes)
    data = full.index(b"data")
    return bytearray(full[:12] + full[12:36] + full[data:])


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
    decoded: Decoded, source: Source, limits: MediaLimits, content: bytes
) -> None:
    with pytest.raises(errors.NotAudio):
        await probe(source(content), limits)
    with pytest.raises(errors.NotAudio):
        await decoded(source(content), limits)


async def test_a_wav_without_a_single_sample_is_not_audio(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytes(wav_bytes(encode)[:44])

    with pytest.raises(errors.NotAudio):
        await probe(source(content), limits)
    with pytest.raises(errors.MediaUnreadable):
        await decoded(source(content), limits)


async def test_a_flac_that_breaks_off_behind_its_head_is_to_be_sent_again(
    encode: Encode, source: Source, limits: MediaLimits
) -> None:
    with pytest.raises(errors.NotAudio, match=r"missing or damaged.*[Ss]end it again"):
        await probe(source(encode("flac", "flac", seconds=4.0)[:200]), limits)


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
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, declared: int
) -> None:
    content = wav_bytes(encode, seconds=3.0)
    content[40:44] = struct.pack("<I", declared)

    probed = await probe(source(bytes(content)), limits)
    info, _ = await decoded(source(bytes(content)), limits)

    assert probed.duration_seconds == info.duration_seconds == 3.0


@pytest.mark.parametrize("form", [("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus")])
async def test_a_file_cut_off_in_the_middle_yields_what_is_there(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: tuple[str, str]
) -> None:
    content = encode(*form, rate=48_000, seconds=20.0)

    info, audio = await decoded(source(content[: len(content) // 2]), limits)

    assert info.duration_seconds == pytest.approx(10.0, abs=1.5)
    assert loudest_hertz(audio) == pytest.approx(440.0, abs=1.0)


async def test_broken_packets_are_passed_over_and_the_rest_keeps_its_time(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytearray(encode("flac", "flac", seconds=20.0))
    middle = len(content) // 2
    content[middle : middle + 400] = np.random.default_rng(1).bytes(400)

    info, audio = await decoded(source(bytes(content)), limits)

    assert info.duration_seconds == pytest.approx(20.0, abs=0.1)
    assert level(audio[: 9 * SAMPLE_RATE]) > 0.3
    assert level(audio[11 * SAMPLE_RATE :]) > 0.3


async def test_a_file_with_a_good_header_and_nothing_decodable_behind_it_is_unreadable(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytearray(encode("flac", "flac", seconds=20.0))
    content[300:] = bytes(len(content) - 300)

    with pytest.raises(errors.MediaUnreadable):
        await decoded(source(bytes(content)), limits)
