"""What a voice is known by."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from echoic.records import Diarization, SpeakerTurn, VoiceVector
from echoic.voices.voiceprints import (
    MAX_READ_SECONDS,
    MAX_VOICEPRINT_SECONDS,
    MIN_STRETCH_SECONDS,
    MIN_VOICEPRINT_SECONDS,
    join_voices,
    stretches_alone,
)


def diarization(*turns: tuple[str, float, float]) -> Diarization:
    return Diarization(
        turns=tuple(SpeakerTurn(speaker=name, start=start, end=end) for name, start, end in turns),
        exclusive=(),
        speakers=tuple(dict.fromkeys(name for name, *_ in turns)),
    )


def spans(*turns: tuple[str, float, float]) -> list[tuple[str, float, float]]:
    return [(each.speaker, each.start, each.end) for each in stretches_alone(diarization(*turns))]


def voice(*parts: float) -> VoiceVector:
    vector = np.zeros(8, dtype=np.float32)
    vector[: len(parts)] = parts
    return vector / np.float32(np.linalg.norm(vector))


def test_where_two_speak_nobody_is_heard_alone() -> None:
    assert spans(("A", 0, 10), ("B", 4, 6), ("B", 12, 16)) == [("A", 0, 4), ("A", 6, 10), ("B", 12, 16)]


def test_stretches_too_short_and_speakers_heard_too_little_are_left_out() -> None:
    assert spans(("A", 0, 0.9), ("A", 1, 1.9), ("A", 2, 2.9), ("A", 3, 3.9)) == []
    assert spans(("A", 0, 2.9), ("B", 3, 6)) == [("B", 3, 6)]


def test_of_much_speech_the_longest_stretches_are_taken_in_parts_and_in_order() -> None:
    found = spans(("A", 0, 5), ("A", 10, 110), ("A", 200, 220), ("A", 300, 302))
    assert sum(end - start for _, start, end in found) == pytest.approx(MAX_VOICEPRINT_SECONDS)
    assert all(end - start <= MAX_READ_SECONDS for _, start, end in found)
    assert found == sorted(found, key=lambda each: each[1])
    assert {round(start) for _, start, _ in found} == {10, 35, 60, 85, 200}


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.floats(0, 300), st.floats(0.1, 60)), max_size=12).map(
        lambda turns: [(name, start, start + length) for name, start, length in turns]
    )
)
def test_whoever_is_heard_alone_is_and_for_long_enough(turns: list[tuple[str, float, float]]) -> None:
    found = spans(*turns)
    for name, start, end in found:
        middle = (start + end) / 2
        assert {other for other, begin, stop in turns if begin <= middle < stop} == {name}
    for name in {each[0] for each in found}:
        seconds = sum(end - start for other, start, end in found if other == name)
        assert MIN_VOICEPRINT_SECONDS - 1e-6 <= seconds <= MAX_VOICEPRINT_SECONDS + 1e-6
    assert all(end - start >= MIN_STRETCH_SECONDS / 2 for _, start, end in found)


def test_a_voiceprint_is_the_mean_weighted_by_duration() -> None:
    joined = join_voices([(voice(1, 0), 9.0), (voice(0, 1), 1.0)])
    assert joined is not None
    assert joined.seconds == 10.0
    assert joined.vector[:2] == pytest.approx(voice(9, 1)[:2])
    assert join_voices([(voice(1), 1.5), (voice(1), 1.4)]) is None
