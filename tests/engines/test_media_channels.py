"""Whoever is heard on one of several channels is heard in the mix."""

import io
from collections.abc import Awaitable, Callable

import av
import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource, probe
from echoic.records import Audio, MediaInfo
from echoic.units import SAMPLE_RATE
from tests.engines.sounds import Samples, loudness_of, silence, tone, wav

Source = Callable[[bytes], MediaSource]
Decoded = Callable[[MediaSource, MediaLimits], Awaitable[tuple[MediaInfo, Audio]]]
SURROUND_5_1 = 0x3F
FRONT_CENTER, BASS = 2, 3


def microphones(count: int, *speaking: int, seconds: float = 2.0) -> list[Samples]:
    """Channels of which some have a tone each, of 300, 400 … Hz in their order."""
    channels = [silence(seconds) for _ in range(count)]
    for place, number in enumerate(speaking):
        channels[number] = tone(300 + 100 * place, seconds)
    return channels


@pytest.mark.parametrize(("count", "far"), [(3, 2), (4, 3), (6, 3), (6, 5), (8, 3), (8, 7), (9, 8), (12, 11), (20, 19)])
async def test_channels_without_a_place_count_equally(
    decoded: Decoded, source: Source, limits: MediaLimits, count: int, far: int
) -> None:
    # A mask of channels that names none says as little as none.
    mask = 0 if count % 2 else None
    _, audio = await decoded(source(wav(*microphones(count, 0, far), mask=mask)), limits)

    first, second = loudness_of(audio, 300), loudness_of(audio, 400)
    assert first == pytest.approx(second, rel=0.02)
    assert first == pytest.approx(0.3 / np.sqrt(count), rel=0.02)


async def test_many_loud_microphones_together_are_held_below_full_scale(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    everybody = [tone(300, 2.0, loudness=0.9)] * 8

    _, audio = await decoded(source(wav(*everybody)), limits)

    assert np.max(np.abs(audio[1600:])) <= 0.99
    assert loudness_of(audio, 300, 0.1) == pytest.approx(0.98, rel=0.02)


async def test_the_voices_of_a_film_in_the_middle_channel_are_kept_and_its_rumble_is_not(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    channels = microphones(6, FRONT_CENTER)
    channels[BASS] = tone(50, 2.0, loudness=0.9)

    _, audio = await decoded(source(wav(*channels, mask=SURROUND_5_1)), limits)

    assert loudness_of(audio, 300) > 0.05
    assert loudness_of(audio, 50) < 0.001


async def test_a_voice_in_what_is_called_a_bass_channel_is_heard(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    _, audio = await decoded(source(wav(*microphones(6, 0, BASS), mask=SURROUND_5_1)), limits)

    assert loudness_of(audio, 400) > 0.05


def speech(seed: int, seconds: float = 3.0) -> Samples:
    """Noise that comes and goes, as syllables do."""
    count = round(seconds * 16_000)
    rising = np.clip(np.sin(2 * np.pi * 3 * np.arange(count) / 16_000), 0, 1)
    samples: Samples = np.random.default_rng(seed).normal(0, 0.1, count) * rising
    return samples


def likeness(audio: Audio, samples: Samples) -> float:
    """How much of these samples is in the audio, 1 for all."""
    return float(
        abs(audio[: len(samples)] @ samples) / (np.linalg.norm(samples) * np.linalg.norm(audio[: len(samples)]))
    )


VOICE, OTHER, HISS, HISS_2 = (speech(seed) for seed in (1, 2, 3, 4))
NOISE = np.random.default_rng(5).normal(0, 0.02, (2, len(VOICE)))
HUM = tone(50, 3.0, loudness=0.4)


@pytest.mark.parametrize(
    "channels",
    [
        pytest.param((VOICE, -VOICE), id="the whole"),
        pytest.param((VOICE, -0.8 * VOICE), id="a little softer"),
        pytest.param((VOICE + NOISE[0], -VOICE + NOISE[1]), id="with the noise of each microphone"),
        pytest.param((VOICE + HUM, -VOICE + HUM), id="with a hum on both that is the same way around"),
        pytest.param((VOICE, np.r_[VOICE[:24_000], -VOICE[24_000:]]), id="from the middle on"),
        pytest.param((VOICE, np.r_[-VOICE[:24_000], VOICE[24_000:]]), id="up to the middle"),
    ],
)
async def test_channels_that_are_each_others_opposite_are_not_added_up_to_nothing(
    decoded: Decoded, source: Source, limits: MediaLimits, channels: tuple[Samples, Samples]
) -> None:
    _, audio = await decoded(source(wav(*channels)), limits)

    slopes, voice = np.diff(audio), np.diff(VOICE)
    for part in (slice(0, 20_000), slice(28_000, len(voice))):
        assert likeness(slopes[part], voice[part]) > 0.9
        assert np.linalg.norm(slopes[part]) > 0.8 * np.linalg.norm(voice[part])


async def test_one_person_upside_down_and_another_not_are_both_heard(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    left = np.r_[VOICE, OTHER, VOICE]
    right = np.r_[VOICE, -OTHER, VOICE]

    _, audio = await decoded(source(wav(left, right)), limits)

    assert len(audio) == 3 * len(VOICE)
    for number, voice in enumerate((VOICE, OTHER, VOICE)):
        assert likeness(audio[number * len(voice) :][: len(voice)], voice) > 0.95


async def test_one_of_four_microphones_upside_down_takes_nothing_away(
    decoded: Decoded, source: Source, limits: MediaLimits
) -> None:
    _, audio = await decoded(source(wav(VOICE, -VOICE, silence(3.0), silence(3.0))), limits)

    assert np.linalg.norm(audio) == pytest.approx(np.linalg.norm(VOICE), rel=0.1)


async def test_a_usual_pair_of_channels_is_their_mean(decoded: Decoded, source: Source, limits: MediaLimits) -> None:
    left, right = VOICE + 0.5 * OTHER + 0.3 * HISS, VOICE - 0.5 * OTHER + 0.3 * HISS_2

    _, audio = await decoded(source(wav(left, right)), limits)

    assert np.allclose(audio, (left + right) / 2, atol=2e-4)


ROOMS = {7: "6.1", 8: "7.1", 16: "hexadecagonal"}
APPLE = [("aiff", 7), ("aiff", 8), ("caf", 7), ("caf", 8), ("caf", 16), ("mov", 7), ("mov", 8), ("mov", 16)]


@pytest.mark.parametrize(("container", "count"), APPLE, ids=str)
async def test_every_microphone_of_a_file_with_a_list_of_places_is_heard(
    decoded: Decoded, source: Source, limits: MediaLimits, container: str, count: int
) -> None:
    samples = np.stack(microphones(count, 0, count - 1), axis=1)
    content = io.BytesIO()
    with av.open(content, "w", format=container) as output:
        stream = output.add_stream("pcm_s16be", rate=SAMPLE_RATE, layout=ROOMS[count])
        part = np.ascontiguousarray((samples * 32_767).astype(np.int16)).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout=ROOMS[count])
        frame.sample_rate = SAMPLE_RATE
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))

    probed = await probe(source(content.getvalue()), limits)
    info, audio = await decoded(source(content.getvalue()), limits)

    assert probed.channels == info.channels == count
    assert info.duration_seconds == pytest.approx(2.0, abs=0.01)
    assert loudness_of(audio, 300) > 0.015
    assert loudness_of(audio, 400) > 0.015
