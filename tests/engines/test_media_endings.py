"""A file that holds less than it says is told from one that says nothing, or little that is certain."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo
from tests.engines.films import index_first
from tests.engines.sounds import silence, tone, wav

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]

TELLING = [
    ("wav", "pcm_s16le", {}),
    ("aiff", "pcm_s16be", {}),
    ("flac", "flac", {}),
    ("mp3", "libmp3lame", {"rate": 44_100}),
    ("matroska", "libopus", {"rate": 48_000}),
    ("mp4", "aac", {"rate": 44_100}),
    ("w64", "pcm_s16le", {}),
    ("caf", "pcm_s16be", {}),
    ("au", "pcm_s16be", {}),
    ("wv", "wavpack", {}),
    ("asf", "wmav2", {"rate": 44_100, "bit_rate": 128_000}),
]
SILENT = [
    ("ogg", "libopus", {"rate": 48_000}),
    ("adts", "aac", {"rate": 44_100}),
    ("amr", "libopencore_amrnb", {"rate": 8_000}),
]
Form = tuple[str, str, dict[str, object]]


def made(encode: Encode, form: Form, seconds: float = 20.0) -> bytes:
    container, codec, changes = form
    return encode(container, codec, seconds=seconds, **changes)


@pytest.mark.parametrize("form", TELLING, ids=lambda form: form[0])
async def test_a_copy_that_ends_early_is_told(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = made(encode, form)
    if form[0] == "mp4":
        content = index_first(content)

    info, _ = await decoded(source(content[: len(content) // 2]), limits)

    assert info.told_seconds == pytest.approx(20.0, abs=0.2)
    # A block of WavPack is four seconds long here, and is decoded when it is whole.
    assert info.duration_seconds == pytest.approx(10.0, abs=3.0 if form[0] == "wv" else 1.5)


@pytest.mark.parametrize("form", [*TELLING, *SILENT], ids=lambda form: form[0])
async def test_a_whole_file_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    info, _ = await decoded(source(made(encode, form)), limits)

    assert info.told_seconds is None
    assert info.damaged_seconds < 0.2


@pytest.mark.parametrize("form", SILENT, ids=lambda form: form[0])
async def test_a_file_that_says_nothing_of_its_length_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = made(encode, form)

    info, _ = await decoded(source(content[: len(content) // 2]), limits)

    assert info.told_seconds is None


@pytest.mark.parametrize("declared", [0, 0x7FFF_FFFF, 0x7FFF_FFD3, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFDB])
async def test_a_streamed_wav_does_not_end_early(
    decoded: Decoded, source: Source, limits: MediaLimits, declared: int
) -> None:
    info, _ = await decoded(source(wav(tone(300, 5.0), declared=declared)), limits)

    assert (info.told_seconds, info.duration_seconds) == (None, 5.0)


async def test_an_mp3_of_changing_bitrate_without_a_count_of_frames_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    loud, soft = (encode("mp3", "libmp3lame", rate=44_100, seconds=10.0, hertz=hertz) for hertz in (440.0, 0.0))
    frame = loud.index(b"\xff\xfb", loud.index(b"Info") + 4) if b"Info" in loud else loud.index(b"\xff\xfb")

    info, _ = await decoded(source(loud[frame:] + soft[frame:]), limits)

    assert info.told_seconds is None
    assert info.duration_seconds == pytest.approx(20.0, abs=0.2)


async def test_a_little_that_is_missing_at_the_end_is_not_worth_a_word(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    info, _ = await decoded(source(wav(tone(300, 20.0))[:-16_000]), limits)

    assert info.told_seconds is None


async def test_a_joined_recording_of_which_the_second_ends_early_is_told(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    info, _ = await decoded(source(wav(tone(300, 4.0)) + wav(tone(500, 8.0))[: 4 * 32_000]), limits)

    assert info.told_seconds == pytest.approx(12.0, abs=0.1)
    assert info.duration_seconds == pytest.approx(8.0, abs=0.1)


@pytest.mark.parametrize("rates", [(44_100, 22_050), (48_000, 16_000), (16_000, 44_100), (44_100, 8_000)])
async def test_mp3_files_of_several_rates_joined_do_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, rates: tuple[int, int]
) -> None:
    first, second = (encode("mp3", "libmp3lame", rate=rate, seconds=10.0) for rate in rates)

    info, _ = await decoded(source(first + second), limits)

    assert info.told_seconds is None
    assert info.duration_seconds == pytest.approx(20.0, abs=0.3)


@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
async def test_an_mp3_of_any_rate_tells_that_it_ends_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, rate: int
) -> None:
    content = encode("mp3", "libmp3lame", rate=rate, seconds=20.0)

    info, _ = await decoded(source(content[: len(content) // 2]), limits)

    assert info.told_seconds == pytest.approx(20.0, abs=0.2)
    assert info.duration_seconds == pytest.approx(10.0, abs=1.5)


async def test_a_damaged_stretch_in_the_middle_is_counted(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytearray(index_first(encode("mp4", "aac", rate=44_100, seconds=20.0)))
    middle = len(content) // 2
    content[middle : middle + len(content) // 5] = np.random.default_rng(2).bytes(len(content) // 5)

    info, _ = await decoded(source(bytes(content)), limits)

    assert 1.0 < info.damaged_seconds < 5.0
    assert info.told_seconds is None
    assert info.duration_seconds == pytest.approx(20.0, abs=0.3)


async def test_a_recording_in_which_nobody_speaks_at_the_end_is_whole(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    info, _ = await decoded(source(wav(np.r_[tone(300, 1.0), silence(5.0)])), limits)

    assert (info.told_seconds, info.duration_seconds) == (None, 6.0)


async def test_a_caf_of_unknown_size_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytearray(encode("caf", "pcm_s16be", seconds=20.0))
    size = content.index(b"data") + 4
    content[size : size + 8] = b"\xff" * 8

    info, _ = await decoded(source(bytes(content[: len(content) // 2])), limits)

    assert info.told_seconds is None
    assert info.duration_seconds == pytest.approx(10.0, abs=0.2)


async def test_a_streamed_w64_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = bytearray(encode("w64", "pcm_s16le", seconds=20.0))
    content[16:24] = b"\xff" * 8

    info, _ = await decoded(source(bytes(content[: len(content) // 2])), limits)

    assert info.told_seconds is None
    assert info.duration_seconds == pytest.approx(10.0, abs=0.2)


async def test_an_au_of_unknown_size_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("au", "pcm_s16be", seconds=20.0)

    info, _ = await decoded(source(content[:8] + b"\xff" * 4 + content[12 : len(content) // 2]), limits)

    assert info.told_seconds is None
    assert info.duration_seconds == pytest.approx(10.0, abs=0.2)


def live(content: bytes) -> bytes:
    """An ASF file as a program writes it that cannot go back to its head: it states no size and no length."""
    head = bytearray(content)
    at = head.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    head[at + 40 : at + 48] = bytes(8)
    head[at + 56 : at + 80] = bytes(24)
    head[at + 88] = 1
    return bytes(head)


async def test_a_live_recording_that_states_no_length_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = live(encode("asf", "wmav2", seconds=20.0, rate=44_100, bit_rate=128_000))

    for copies in (1, 2):
        info, _ = await decoded(source(content * copies), limits)

        assert info.told_seconds is None
        assert info.duration_seconds == pytest.approx(20.0 * copies, abs=0.3)


def avi(encode: Encode) -> bytes:
    return encode("avi", "libmp3lame", seconds=20.0, rate=44_100)


async def test_an_avi_that_lost_its_index_alone_does_not_end_early(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = avi(encode)

    info, _ = await decoded(source(content[: content.rindex(b"idx1")]), limits)

    assert info.told_seconds is None
    assert info.duration_seconds == pytest.approx(20.0, abs=0.2)


@pytest.mark.parametrize("kept", [0.3, 0.6])
async def test_a_cut_avi_is_told_with_the_length_that_it_states(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, kept: float
) -> None:
    content = avi(encode)

    info, _ = await decoded(source(content[: int(len(content) * kept)]), limits)

    assert info.told_seconds == pytest.approx(20.0, abs=0.1)


async def test_an_asf_that_lost_a_stretch_has_no_more_than_it_states(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    content = encode("asf", "wmav2", seconds=20.0, rate=44_100, bit_rate=128_000)
    third = len(content) // 3

    info, _ = await decoded(source(content[:third] + content[2 * third :]), limits)

    assert info.told_seconds is None
    assert info.damaged_seconds == pytest.approx(6.7, abs=0.7)
