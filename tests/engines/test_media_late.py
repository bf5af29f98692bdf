"""Sound that begins later than the picture, or than another track, is whole and has its right time."""

import io
from collections.abc import Awaitable, Callable

import av
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource
from echoic.records import Audio, MediaInfo
from tests.engines.films import HERTZ, film_of, index_first
from tests.engines.sounds import loudness_of

Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]

SECONDS = 6.0
FILMS = [
    ("mp4", "aac", "mpeg4"),
    ("mp4", "aac", "libx264"),
    ("mov", "pcm_s16le", "mpeg4"),
    ("matroska", "libmp3lame", "mpeg4"),
    ("matroska", "flac", "libx264"),
    ("webm", "libopus", "libvpx"),
    ("asf", "wmav2", "msmpeg4v3"),
]


@pytest.mark.parametrize("late", [2.0, 12.0])
@pytest.mark.parametrize("form", FILMS, ids=lambda form: f"{form[0]}-{form[1]}-{form[2]}")
async def test_sound_that_begins_later_than_the_picture_is_not_damaged(
    decoded: Decoded, source: Source, limits: MediaLimits, form: tuple[str, str, str], late: float
) -> None:
    container, codec, picture = form
    content = film_of(container, codec, starts=[late], seconds=SECONDS, picture=picture)

    info, audio = await decoded(source(content), limits)

    assert info.damaged_seconds < 0.2
    assert (info.told_seconds, info.unread_bytes) == (None, 0)
    assert info.duration_seconds == pytest.approx(late + SECONDS, abs=0.3)
    assert loudness_of(audio, HERTZ, 0.0, late - 0.3) < 0.01
    assert loudness_of(audio, HERTZ, late + 0.3, late + SECONDS - 0.3) > 0.3


@pytest.mark.parametrize("late", [0.0, 5.0])
async def test_sound_that_is_overwritten_at_its_beginning_is_told_without_the_silence_before_it(
    decoded: Decoded, source: Source, limits: MediaLimits, late: float
) -> None:
    film = film_of("mp4", "aac", starts=[late], seconds=SECONDS)

    info, _ = await decoded(source(silenced(film, until=late + 3.0)), limits)

    assert info.damaged_seconds == pytest.approx(3.0, abs=0.3)
    assert info.duration_seconds == pytest.approx(late + SECONDS, abs=0.3)


def silenced(film: bytes, *, until: float) -> bytes:
    """A film whose packets of sound are zeros up to a time."""
    content = bytearray(film)
    with av.open(io.BytesIO(film), "r") as container:
        for packet in container.demux(container.streams.audio[0]):
            if packet.size and packet.pos is not None and float((packet.pts or 0) * packet.time_base) < until:
                content[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    return bytes(content)


@pytest.mark.parametrize(("container", "codec"), [("matroska", "libmp3lame"), ("webm", "libopus")])
async def test_a_film_whose_first_packets_are_overwritten_has_lost_them_and_the_rest_its_time(
    decoded: Decoded, source: Source, limits: MediaLimits, container: str, codec: str
) -> None:
    picture = "libvpx" if container == "webm" else "mpeg4"
    film = film_of(container, codec, starts=[0.0], seconds=12.0, picture=picture)
    # Behind the head of the first cluster, which says its time.
    first = film.index(b"\x1f\x43\xb6\x75") + 20
    content = film[:first] + bytes(len(film) // 5) + film[first + len(film) // 5 :]

    info, audio = await decoded(source(content), limits)

    assert info.damaged_seconds > 1.0
    assert info.duration_seconds == pytest.approx(12.0, abs=0.3)
    assert loudness_of(audio, HERTZ, 0.0, info.damaged_seconds - 0.3) < 0.01


@pytest.mark.parametrize("starts", [[19.0], [0.0, 14.0], [14.0, 3.0]], ids=["one", "two", "two late ones"])
@pytest.mark.parametrize(
    "form", [("matroska", "libopus"), ("webm", "libopus"), ("asf", "wmav2"), ("mp4", "aac")], ids=lambda form: form[0]
)
async def test_a_file_without_a_picture_whose_sound_begins_late_does_not_end_early(
    decoded: Decoded, source: Source, limits: MediaLimits, form: tuple[str, str], starts: list[float]
) -> None:
    content = film_of(*form, starts=starts, seconds=SECONDS, picture=None)

    info, _ = await decoded(source(content), limits)

    assert info.told_seconds is None
    assert info.damaged_seconds < 0.2
    assert info.duration_seconds == pytest.approx(max(starts) - min(starts) + SECONDS, abs=0.3)


@pytest.mark.parametrize(
    "form",
    [("matroska", "libopus", None), ("asf", "wmav2", None), ("mp4", "aac", "mpeg4"), ("asf", "wmav2", "msmpeg4v3")],
)
async def test_a_copy_that_ends_early_is_told_although_its_sound_begins_late(
    decoded: Decoded, source: Source, limits: MediaLimits, form: tuple[str, str, str | None]
) -> None:
    container, codec, picture = form
    content = film_of(container, codec, starts=[7.0], seconds=20.0, picture=picture)
    if container == "mp4":
        content = index_first(content)
    whole = 27.0 if picture else 20.0

    info, _ = await decoded(source(content[: len(content) * 9 // 10]), limits)

    assert info.told_seconds == pytest.approx(whole, abs=0.4)
    assert info.duration_seconds is not None
    assert info.duration_seconds < whole - 1.0
