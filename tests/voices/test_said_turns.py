"""The diarizer's turns after people gave segments to others."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, strategies as st

from echoic.db.transcripts.spoken import Spoken
from echoic.records import SpeakerTurn
from echoic.voices.said_turns import corrected_turns

Row = tuple[str, float, float]

TURNS = (("A", 0.0, 10.2), ("B", 4.0, 5.0), ("B", 10.5, 20.0), ("A", 15.0, 16.0))


def corrected(turns: Sequence[Row], *segments: tuple[float, float, str | None, str | None]) -> list[Row]:
    found = corrected_turns(
        [SpeakerTurn(speaker=speaker, start=start, end=end) for speaker, start, end in turns],
        [Spoken(start=start, end=end, heard=heard, said=said) for start, end, heard, said in segments],
    )
    return [(turn.speaker, turn.start, turn.end) for turn in found]


def test_turns_stay_as_they_are_where_people_changed_no_speaker() -> None:
    assert corrected(TURNS, (0.1, 10.0, "A", "A"), (10.6, 19.0, "B", "B")) == list(TURNS)


def test_a_segment_takes_its_share_of_the_turn_and_overlap_stays() -> None:
    assert corrected(
        TURNS, (0.1, 5.9, "A", "A"), (6.1, 10.0, "A", "C"), (15.0, 16.0, "A", "A"), (10.6, 19.0, "B", "B")
    ) == [
        ("A", 0.0, 6.0),
        ("B", 4.0, 5.0),
        ("C", 6.0, 10.2),
        ("B", 10.5, 20.0),
        ("A", 15.0, 16.0),
    ]


def test_a_label_merged_into_another_takes_speech_without_words_with_it() -> None:
    assert corrected(TURNS, (0.1, 10.0, "A", "A"), (10.6, 19.0, "B", "A")) == [("A", 0.0, 10.2), ("A", 10.5, 20.0)]


def test_nobody_has_no_turn_and_somebody_unheard_gets_one() -> None:
    assert corrected(TURNS[:1], (0.1, 10.0, "A", None), (30.0, 31.0, None, "C"), (40.0, 41.0, "A", "B")) == [
        ("C", 30.0, 31.0),
        ("B", 40.0, 41.0),
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 9), st.sampled_from("AB"), st.sampled_from("ABC")), max_size=9
    )
)
def test_no_moment_is_lost_or_doubled_whoever_gets_it(rows: list[tuple[int, int, str, str]]) -> None:
    segments = [(float(start), float(start + length), heard, said) for start, length, heard, said in sorted(rows)]
    found = corrected((("A", 0.0, 50.0),), *(row for row in segments if row[2] == "A"))
    assert all(before[2] == after[1] and before[0] != after[0] for before, after in pairwise(found))
    assert (found[0][1], found[-1][2]) == (0.0, 50.0)
