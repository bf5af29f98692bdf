"""What the second model hears where the first is deaf."""

import numpy as np
import pytest

from echoic.engines.second_opinion import SecondOpinion
from echoic.records import Audio, SpeechSpan
from echoic.units import SAMPLE_RATE

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def opinion() -> SecondOpinion:
    return SecondOpinion(threads=1)


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


def test_speech_is_found_where_it_is_and_only_within_what_was_asked(opinion: SecondOpinion, jfk: Audio) -> None:
    audio = np.concatenate([silence(14.0), jfk, silence(14.0)])

    found = opinion.speech(audio, [SpeechSpan(start=0.0, end=39.0)])

    assert 14.0 < found[0].start < 14.6
    assert 24.0 < found[-1].end < 25.3
    assert sum(span.end - span.start for span in found) > 7.0
    (inside,) = opinion.speech(audio, [SpeechSpan(start=15.0, end=15.8)])
    assert 15.0 <= inside.start < inside.end <= 15.8
    assert opinion.speech(audio, [SpeechSpan(start=2.0, end=12.0)]) == []


def test_silence_noise_and_a_tone_are_no_speech(opinion: SecondOpinion) -> None:
    noise = np.random.default_rng(5).normal(0, 0.05, 20 * SAMPLE_RATE).astype(np.float32)
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)

    for audio in (silence(20.0), noise, tone):
        assert opinion.speech(audio, [SpeechSpan(start=0.0, end=20.0)]) == []


def test_nothing_asked_is_nothing_heard_and_no_model_loaded() -> None:
    opinion = SecondOpinion(threads=1)

    assert opinion.speech(silence(1.0), []) == []
    assert opinion._session is None
