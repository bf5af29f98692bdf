"""What every voice encoder does."""

from collections.abc import Iterator

import numpy as np
import pytest

from echoic.engines.fake_diarization import FakeVoiceEncoder
from echoic.engines.protocols import MIN_VOICE_SECONDS, VoiceEncoder
from echoic.engines.registry import Engines
from echoic.records import Audio
from echoic.units import SAMPLE_RATE


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.models)], scope="module")
def encoder(request: pytest.FixtureRequest) -> Iterator[VoiceEncoder]:
    if request.param == "fake":
        yield FakeVoiceEncoder()
    else:
        engines: Engines = request.getfixturevalue("engines")
        with engines.voice_encoder.use() as engine:
            yield engine


@pytest.mark.parametrize("length", [MIN_VOICE_SECONDS, 1.5, 11.0])
def test_a_voice_is_a_vector_of_length_one_whatever_the_length_of_the_audio(
    encoder: VoiceEncoder, jfk: Audio, length: float
) -> None:
    vector = encoder.embed(jfk[: round(length * SAMPLE_RATE)])

    assert vector.shape == (encoder.dimensions,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_silence_has_a_vector_without_holes(encoder: VoiceEncoder) -> None:
    vector = encoder.embed(np.zeros(2 * SAMPLE_RATE, dtype=np.float32))

    assert np.isfinite(vector).all()


def test_too_short_a_voice_is_refused(encoder: VoiceEncoder, jfk: Audio) -> None:
    with pytest.raises(ValueError, match="at least"):
        encoder.embed(jfk[: round((MIN_VOICE_SECONDS - 0.01) * SAMPLE_RATE)])


def test_the_same_audio_gives_the_same_vector(encoder: VoiceEncoder, jfk: Audio) -> None:
    audio = jfk[: 3 * SAMPLE_RATE]

    assert np.array_equal(encoder.embed(audio), encoder.embed(audio))


def test_a_voice_is_nearer_to_itself_than_to_another_s(encoder: VoiceEncoder, jfk: Audio, conversation: Audio) -> None:
    # Each pair is from one recording of one speaker, who pauses elsewhere in the second part.
    first, again = jfk[: 5 * SAMPLE_RATE], jfk[5 * SAMPLE_RATE : 10 * SAMPLE_RATE]
    other = conversation[: 4 * SAMPLE_RATE]

    same = float(encoder.embed(first) @ encoder.embed(again))
    different = float(encoder.embed(first) @ encoder.embed(other))

    assert same > different
