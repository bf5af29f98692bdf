"""Bytes behind a recording whose container does not say where it ends are told like those behind any other."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo

Encode = Callable[..., bytes]
Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]
Form = tuple[str, str, dict[str, object]]

FORMS: list[Form] = [
    ("flac", "flac", {}),
    ("flac", "flac", {"rate": 44_100, "layout": "stereo"}),
    ("ogg", "libopus", {"rate": 48_000}),
    ("ogg", "vorbis", {"rate": 48_000, "layout": "stereo"}),
    ("ogg", "flac", {"rate": 48_000}),
    ("mp3", "libmp3lame", {"rate": 44_100}),
    ("adts", "aac", {"rate": 44_100}),
]
NOISE = np.random.default_rng(11).bytes(200_000)
ID3V1 = b"TAG" + b"title".ljust(125, b"\0")
LYRICS = b"LYRICSBEGIN" + b"LYR05000" + b"la la la\n" * 555 + b"la la"


def name_of(form: Form) -> str:
    return f"{form[0]}-{form[1]}-{form[2].get('layout', 'mono')}"


def made(encode: Encode, form: Form) -> bytes:
    container, codec, changes = form
    return encode(container, codec, seconds=6.0, **changes)


@pytest.mark.parametrize(
    ("junk", "rest"),
    [(NOISE, b""), (NOISE[:20_000], b""), (NOISE, bytes(100_000)), (b"notes on the talk\n" * 2000, b"")],
    ids=["noise", "little noise", "noise and zeros", "text"],
)
@pytest.mark.parametrize("form", FORMS, ids=name_of)
async def test_bytes_behind_the_last_packet_are_told(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form, *, junk: bytes, rest: bytes
) -> None:
    info, _ = await decoded(source(made(encode, form) + junk + rest), limits)

    # The last frame of FLAC is taken to be as long as any may be.
    assert len(junk) - 16_000 < info.unread_bytes < len(junk) + len(rest) + 1000
    assert info.duration_seconds == pytest.approx(6.0, abs=0.2)
    assert info.damaged_seconds < 0.2


@pytest.mark.parametrize(
    "rest",
    [bytes(200_000), bytes(200_000) + ID3V1, ID3V1 + bytes(200_000), NOISE[:2000], b"\n"],
    ids=["zeros", "zeros and a tag", "a tag and zeros", "a few bytes", "end of line"],
)
@pytest.mark.parametrize("form", FORMS, ids=name_of)
async def test_zeros_and_tags_behind_the_last_packet_are_not_worth_a_word(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form, *, rest: bytes
) -> None:
    info, _ = await decoded(source(made(encode, form) + rest), limits)

    assert (info.unread_bytes, info.told_seconds) == (0, None)
    assert info.duration_seconds == pytest.approx(6.0, abs=0.2)


async def test_the_text_of_a_song_behind_an_mp3_is_not_worth_a_word(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits
) -> None:
    tag = LYRICS + f"{len(LYRICS):06}LYRICS200".encode() + ID3V1

    info, _ = await decoded(source(made(encode, FORMS[5]) + tag), limits)

    assert info.unread_bytes == 0


@pytest.mark.parametrize("form", FORMS, ids=name_of)
async def test_a_copy_that_ends_early_has_no_bytes_that_were_not_read(
    decoded: Decoded, encode: Encode, source: Source, limits: MediaLimits, form: Form
) -> None:
    content = made(encode, form)

    for kept in (0.37, 0.61, 0.9):
        info, _ = await decoded(source(content[: int(len(content) * kept)]), limits)

        assert info.unread_bytes == 0
