"""What every speech detector does."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from echoic.engines.fake import FakeSpeechDetector
from echoic.engines.protocols import SpeechDetector
from echoic.engines.registry import Engines
from echoic.records import Audio
from echoic.units import SAMPLE_RATE


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.models)], scope="module")
def detector(request: pytest.FixtureRequest) -> Iterator[SpeechDetector]:
    if request.param == "fake":
        yield FakeSpeechDetector()
    else:
        engines: Engines = request.getfixturevalue("engines")
        with engines.speech_detector.use() as engine:
            yield engine


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


def test_speech_is_found_in_stretches_in_order_that_lie_in_the_audio(detector: SpeechDetector, jfk: Audio) -> None:
    spans = detector.detect_speech(jfk)

    assert sum(span.end - span.start for span in spans) > 5.0
    assert all(0 <= span.start < span.end <= len(jfk) / SAMPLE_RATE for span in spans)
    assert all(before.end < after.start for before, after in pairwise(spans))


def test_a_pause_parts_two_stretches(detector: SpeechDetector, jfk: Audio) -> None:
    audio = np.concatenate([jfk, silence(3.0), jfk])

    spans = detector.detect_speech(audio)

    assert any(before.end < 11.5 and after.start > 13.5 for before, after in pairwise(spans))


def test_silence_is_no_speech(detector: SpeechDetector) -> None:
    assert detector.detect_speech(silence(5.0)) == ()


def test_no_audio_is_no_speech(detector: SpeechDetector) -> None:
    assert detector.detect_speech(silence(0.0)) == ()


def test_speech_up_to_the_last_sample_ends_with_the_audio(detector: SpeechDetector, jfk: Audio) -> None:
    cut = jfk[: round(2.0 * SAMPLE_RATE)]

    spans = detector.detect_speech(cut)

    assert spans
    assert spans[-1].end <= 2.0
