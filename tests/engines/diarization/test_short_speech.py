"""Finds people in recordings with little speech by shorter vectors and a lower threshold."""

import numpy as np

from echoic.engines.diarization.clusters import SHORT_SPEECH_SECONDS
from echoic.engines.diarization.diarizer import VOICE_HOP_SECONDS, VOICE_SECONDS, _Heard


def heard(seconds: float) -> _Heard:
    """Speech of one voice by that many seconds, in vectors of full length but for the last one."""
    starts = np.arange(0, seconds - VOICE_SECONDS, VOICE_HOP_SECONDS).tolist()
    spans = [(start, start + VOICE_SECONDS) for start in starts]
    return _Heard(spans=[*spans, (seconds + 1, seconds + 1.65)], upper_levels=[(0.0, 100)])


def test_with_little_speech_shorter_vectors_count_and_people_are_told_apart_more_finely() -> None:
    little, much = heard(SHORT_SPEECH_SECONDS - 5), heard(SHORT_SPEECH_SECONDS + 5)
    assert (little.is_short, much.is_short) == (True, False)
    assert (bool(little.sure[-1]), bool(much.sure[-1])) == (True, False)
    assert little.threshold < much.threshold
