"""Rows of pyannote as turns."""

from itertools import pairwise

from hypothesis import given, settings, strategies as st

from echoic.engines.whisperx.turns import MIN_TURN_SECONDS, to_diarization

Rows = list[tuple[float, float, str]]
_rows = st.lists(
    st.tuples(st.floats(-1, 12), st.floats(0, 5), st.sampled_from(["B", "A", "SPEAKER_07"])).map(
        lambda row: (row[0], row[0] + row[1], row[2])
    ),
    max_size=12,
)


def test_overlap_stays_in_one_answer_and_is_decided_in_the_other() -> None:
    turns: Rows = [(0.0, 4.0, "SPEAKER_01"), (3.0, 6.0, "SPEAKER_00"), (6.0, 6.0004, "SPEAKER_00"), (9.0, 12.0, "X")]
    exclusive: Rows = [(0.0, 3.5, "SPEAKER_01"), (3.4, 6.0, "SPEAKER_00"), (9.0, 12.0, "X")]

    found = to_diarization(turns, exclusive, 10.0)

    assert found.speakers == ("SPEAKER_00", "SPEAKER_01", "SPEAKER_02")
    assert [(turn.start, turn.end, turn.speaker[-1]) for turn in found.turns] == [
        (0.0, 4.0, "0"),
        (3.0, 6.0, "1"),
        (9.0, 10.0, "2"),
    ]
    assert [(turn.start, turn.end) for turn in found.exclusive] == [(0.0, 3.5), (3.5, 6.0), (9.0, 10.0)]


@settings(max_examples=80, deadline=None)
@given(_rows, _rows)
def test_whatever_is_told_keeps_what_a_diarizer_promises(turns: Rows, exclusive: Rows) -> None:
    found = to_diarization(turns, exclusive, 10.0)

    assert all(0 <= turn.start < turn.end <= 10.0 for turn in (*found.turns, *found.exclusive))
    assert all(turn.end - turn.start >= MIN_TURN_SECONDS - 0.001 for turn in found.turns)
    assert all(before.start <= after.start for before, after in pairwise(found.turns))
    assert all(before.end <= after.start for before, after in pairwise(found.exclusive))
    assert list(dict.fromkeys(turn.speaker for turn in found.turns)) == list(found.speakers)
    assert {turn.speaker for turn in found.exclusive} <= set(found.speakers)
    for speaker in found.speakers:
        own = [turn for turn in found.turns if turn.speaker == speaker]
        assert all(before.end < after.start for before, after in pairwise(own))
