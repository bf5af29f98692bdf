"""Speakers whom people gave to segments are given again, where the new transcript has something to give them to."""

from collections.abc import Sequence
from dataclasses import replace

from echoic.corrections.given_speakers import Given, give_again
from echoic.corrections.speakers import is_numbered, next_label
from echoic.records import Segment
from tests.factories import segment

A, B, C, D = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02", "SPEAKER_03"


def said(*speakers: str | None, seconds: float = 10.0) -> list[Segment]:
    return [
        replace(segment("word", start=n * seconds, speaker=speaker), end=(n + 1) * seconds, position=n)
        for n, speaker in enumerate(speakers)
    ]


def given(former: Sequence[Segment], places: Sequence[int], now: Sequence[Segment]) -> Given:
    reassigned = [former[place] for place in places]
    return give_again(reassigned, former, now, is_numbered=is_numbered, next_label=next_label)


def test_a_label_is_that_of_the_same_person_in_the_new_transcript() -> None:
    found = given(said(A, A, B, A), [3], said(C, C, D, D))
    assert (found.labels, found.made, found.left) == ({3: C}, {}, [])


def test_what_the_new_transcript_says_by_itself_needs_nothing() -> None:
    assert given(said(A, B, B, A), [3], said(B, A, A, B)) == Given(labels={}, made={}, left=[])


def test_nobody_and_a_written_name_stay_what_they_are() -> None:
    found = given(said(A, B, None, "Joan"), [2, 3], said(A, B, A, B))
    assert (found.labels, found.made) == ({2: None, 3: "Joan"}, {})


def test_a_label_that_the_new_transcript_lacks_is_a_new_one_for_all_of_its_segments() -> None:
    found = given(said(A, C, A, C, A, A), [1, 3], said(A, A, A, A, A, B))
    assert found.labels == {1: C, 3: C}
    assert found.made == {C: C}
    assert given(said(A, B, A), [1], said(B, B, B)).made == {C: B}


def test_a_segment_that_is_cut_into_several_gives_all_of_them_its_speaker() -> None:
    found = given(said(A, B, A, A), [1], said(*[A] * 16, seconds=2.5))
    assert found.labels == dict.fromkeys(range(4, 8), B)


def test_a_segment_that_is_a_part_of_another_now_is_left() -> None:
    former = said(A, B, A, A)
    assert given(former, [1], said(A, A, seconds=20.0)) == Given(labels={}, made={}, left=[former[1]])
    assert given(former, [1], []).left == [former[1]]
