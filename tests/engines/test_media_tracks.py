"""All tracks that are parts of one talk are heard; of several versions of a talk the default one is."""

from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from av.stream import Disposition

from echoic import errors
from echoic.engines.media.parent import MediaLimits, MediaSource, decode, probe
from echoic.records import Audio, MediaInfo
from tests.engines.sounds import Samples, Track, film, loudness_of, silence, tone

Source = Callable[[bytes], MediaSource]
Decoded = Callable[..., Awaitable[tuple[MediaInfo, Audio]]]
RATE = 48_000


def spoken(hertz: float, start: float, end: float, seconds: float = 6.0) -> Samples:
    """A track on which somebody speaks between two times."""
    samples: Samples = np.r_[
        silence(start, rate=RATE), tone(hertz, end - start, rate=RATE), silence(seconds - end, rate=RATE)
    ]
    return samples


CALL = [Track(samples=spoken(300, 0, 2)), Track(samples=spoken(500, 3, 5))]


@pytest.mark.parametrize(
    ("container", "codec"),
    [("ipod", "aac"), ("matroska", "libopus"), ("ogg", "libopus"), ("mp4", "aac"), ("mov", "aac")],
)
async def test_people_on_tracks_of_their_own_are_all_heard(
    decoded: Decoded, source: Source, limits: MediaLimits, container: str, codec: str
) -> None:
    info, audio = await decoded(source(film(container, codec, CALL)), limits)

    assert info.duration_seconds == pytest.approx(6.0, abs=0.1)
    assert loudness_of(audio, 300, 0.2, 1.8) == pytest.approx(0.15, rel=0.1)
    assert loudness_of(audio, 500, 3.2, 4.8) == pytest.approx(0.15, rel=0.1)
    assert loudness_of(audio, 500, 0.2, 1.8) < 0.01
    first, second = info.balance.alone
    assert first == pytest.approx(100, abs=8)
    assert second == pytest.approx(100, abs=8)
    assert info.tracks_left_out == ()


async def test_a_track_alone_is_decoded_as_a_voice(source: Source, limits: MediaLimits) -> None:
    content = film("ipod", "aac", CALL)
    heard = bytearray()

    async def keep(window: bytes) -> None:
        heard.extend(window)

    await decode(source(content), limits, on_audio=keep, voice=1)

    audio = np.frombuffer(bytes(heard), dtype="<i2").astype(np.float32) / np.float32(32_768)
    assert loudness_of(audio, 500, 3.2, 4.8) == pytest.approx(0.3, rel=0.1)
    assert loudness_of(audio, 300, 0.2, 1.8) < 0.01


async def test_five_tracks_of_different_length_are_mixed(decoded: Decoded, source: Source, limits: MediaLimits) -> None:
    tracks = [Track(samples=tone(300 + 100 * number, 1.0 + number, rate=RATE)) for number in range(5)]

    info, audio = await decoded(source(film("matroska", "libopus", tracks)), limits)

    assert info.duration_seconds == pytest.approx(5.0, abs=0.1)
    for number in range(5):
        assert loudness_of(audio, 300 + 100 * number, 0.2, 0.8) == pytest.approx(0.3 / np.sqrt(5), rel=0.1)
    assert loudness_of(audio, 700, 4.2, 4.8) > 0.1


FIRST, SECOND, THIRD = (tone(hertz, 2.0, rate=RATE) for hertz in (300, 500, 800))


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        pytest.param(
            [Track(samples=FIRST, language="eng"), Track(samples=SECOND, language="ger")],
            ((300,), [(2, "language", "ger")]),
            id="a dubbed film",
        ),
        pytest.param(
            [
                Track(samples=FIRST, language="ger"),
                Track(samples=SECOND, language="eng", disposition=Disposition.default),
                Track(samples=THIRD, language="eng"),
            ],
            ((500, 800), [(1, "language", "ger")]),
            id="the default is not the first",
        ),
        pytest.param(
            [Track(samples=FIRST, language="eng"), Track(samples=SECOND)], ((300, 500), []), id="one language"
        ),
        pytest.param(
            [
                Track(samples=FIRST, language="eng"),
                Track(samples=SECOND, language="eng", title="Director's commentary"),
            ],
            ((300,), [(2, "commentary", "eng")]),
            id="a commentary by its title",
        ),
        pytest.param(
            [
                Track(samples=FIRST, disposition=Disposition.visual_impaired),
                Track(samples=SECOND),
                Track(samples=THIRD),
            ],
            ((500, 800), [(1, "commentary", "")]),
            id="a description by its mark",
        ),
        pytest.param(
            [Track(samples=FIRST, disposition=Disposition.comment)], ((300,), []), id="a commentary and nothing else"
        ),
        pytest.param(
            [Track(samples=FIRST), Track(samples=SECOND, codec="tta")],
            ((300,), [(2, "codec", "")]),
            id="one track is coded otherwise",
        ),
    ],
)
async def test_of_several_versions_one_is_taken_and_the_others_are_named(
    decoded: Decoded,
    source: Source,
    limits: MediaLimits,
    tracks: list[Track],
    expected: tuple[tuple[int, ...], list[tuple[int, str, str]]],
) -> None:
    heard, left_out = expected
    info, audio = await decoded(source(film("matroska", "ac3", tracks)), limits)

    assert {hertz for hertz in (300, 500, 800) if loudness_of(audio, hertz, 0.3, 1.7) > 0.05} == set(heard)
    assert [(track.track, track.reason, track.language) for track in info.tracks_left_out] == left_out


async def test_a_file_of_which_no_track_can_be_decoded_names_the_codec(source: Source, limits: MediaLimits) -> None:
    with pytest.raises(errors.NotAudio, match=r"True Audio.*AAC"):
        await probe(source(film("matroska", "tta", [Track(samples=FIRST)])), limits)
