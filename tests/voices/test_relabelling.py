"""Which labels of two transcripts are the same person."""

from echoic.records import SpeakerTurn
from echoic.voices.relabelling import same_speakers


def turns(*each: tuple[str, float, float]) -> list[SpeakerTurn]:
    return [SpeakerTurn(speaker=speaker, start=start, end=end) for speaker, start, end in each]


def test_labels_are_the_same_person_where_they_speak_at_the_same_time() -> None:
    before = turns(("A", 0, 10), ("B", 10, 20), ("A", 20, 30))
    assert same_speakers(before, turns(("X", 0, 9), ("Y", 11, 21), ("X", 21, 30))) == {"X": "A", "Y": "B"}
    assert same_speakers(before, turns(("X", 0, 30))) == {"X": "A"}, "most of it was"
    assert same_speakers(before, turns(("X", 40, 50))) == {}
    assert same_speakers(before, turns(("X", 9, 10), ("X", 30, 40))) == {}, "hardly any of it was"


def test_speech_at_the_same_time_does_not_count_against_anybody() -> None:
    before = turns(("A", 0, 20), ("B", 2, 3), ("B", 18, 30))
    assert same_speakers(before, turns(("X", 0, 20), ("Y", 17, 30))) == {"X": "A", "Y": "B"}


def test_of_two_new_labels_one_is_the_old() -> None:
    assert same_speakers(turns(("A", 0, 30)), turns(("X", 0, 10), ("Y", 10, 30))) == {"Y": "A"}
