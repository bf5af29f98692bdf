"""Words and turns: who gets which word, and that no word is lost, doubled or moved."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from echoic.records import Segment, SpeakerTurn, Word
from echoic.voices.attribution import MAX_BORDER_SECONDS, MAX_DISTANCE_SECONDS, attribute


def word(text: str, start: float, end: float) -> Word:
    return Word(text=text, start=start, end=end, score=0.8)


def segment(*words: Word, text: str | None = None) -> Segment:
    return Segment(
        start=words[0].start,
        end=words[-1].end,
        text=" ".join(each.text for each in words) if text is None else text,
        words=words,
        confidence=0.5,
        no_speech_probability=0.1,
        compression_ratio=1.2,
    )


def turn(start: float, end: float, speaker: str) -> SpeakerTurn:
    return SpeakerTurn(start=start, end=end, speaker=speaker)


def test_a_segment_is_cut_where_the_speaker_changes() -> None:
    spoken = segment(word("Are", 0.0, 0.4), word("you?", 0.4, 0.9), word("Yes.", 1.1, 1.5))

    first, second = attribute([spoken], [turn(0.0, 1.0, "A"), turn(1.0, 2.0, "B")])

    assert (first.speaker, first.text, first.start, first.end) == ("A", "Are you?", 0.0, 0.9)
    assert (second.speaker, second.text, second.start, second.end) == ("B", "Yes.", 1.1, 1.5)
    assert [each.speaker for each in first.words + second.words] == ["A", "A", "B"]
    assert first.confidence == 0.8
    assert first.no_speech_probability == 0.1


def test_a_segment_of_one_speaker_keeps_all_that_it_was() -> None:
    spoken = segment(word("Well", 0.0, 0.4), word("then", 0.4, 0.9), text="Well - then…")

    (given_back,) = attribute([spoken], [turn(0.0, 1.0, "A")])

    assert given_back.text == "Well - then…"
    assert given_back.confidence == 0.5
    assert given_back.speaker == "A"


def test_the_middle_of_a_word_decides() -> None:
    spoken = segment(word("late", 0.9, 1.1), word("early", 1.5, 2.1))

    words = attribute([spoken], [turn(0.0, 1.0, "A"), turn(1.0, 1.7, "B"), turn(1.7, 3.0, "C")])

    assert [part.speaker for part in words] == ["B", "C"]


def test_a_word_in_the_middle_of_a_change_goes_to_the_one_who_begins() -> None:
    spoken = segment(word("now", 0.9, 1.1))

    (part,) = attribute([spoken], [turn(0.0, 1.0, "A"), turn(1.0, 2.0, "B")])

    assert part.speaker == "B"


def test_a_word_between_two_turns_goes_to_the_nearer_one() -> None:
    spoken = [segment(word("first", 1.2, 1.4)), segment(word("second", 2.5, 2.7))]

    parts = attribute(spoken, [turn(0.0, 1.0, "A"), turn(3.0, 4.0, "B")])

    assert [part.speaker for part in parts] == ["A", "B"]


def test_a_word_far_from_every_turn_is_nobodys() -> None:
    far = 1.0 + MAX_DISTANCE_SECONDS
    spoken = [segment(word("near", far - 0.2, far)), segment(word("far", far + 0.1, far + 0.3))]

    parts = attribute(spoken, [turn(0.0, 1.0, "A")])

    assert [part.speaker for part in parts] == ["A", None]
    assert parts[1].words[0].speaker is None


def test_a_word_far_from_every_turn_goes_with_its_segment() -> None:
    spoken = segment(word("once", 0.0, 0.5), word("more", 8.0, 8.5))

    (part,) = attribute([spoken], [turn(0.0, 1.0, "A")])

    assert [each.speaker for each in part.words] == ["A", "A"]


def test_text_without_spaces_is_cut_without_spaces() -> None:
    spoken = segment(word("はい", 0.0, 0.5), word("そう", 0.5, 0.9), word("です", 1.3, 1.6), text="はい、そうです。")

    parts = attribute([spoken], [turn(0.0, 1.0, "A"), turn(1.0, 2.0, "B")])

    assert [part.text for part in parts] == ["はい、そう", "です。"]


def test_text_that_does_not_hold_its_words_is_made_of_them() -> None:
    spoken = segment(word("colour", 0.0, 0.5), word("grey", 1.1, 1.5), text="color gray")

    parts = attribute([spoken], [turn(0.0, 1.0, "A"), turn(1.0, 2.0, "B")])

    assert [part.text for part in parts] == ["colour", "grey"]


def test_a_segment_without_words_goes_to_whoever_has_most_of_it() -> None:
    whole = Segment(start=0.0, end=3.0, text="so it was")

    (part,) = attribute([whole], [turn(0.0, 1.0, "A"), turn(1.0, 2.2, "B"), turn(2.2, 3.0, "A")])

    assert part.speaker == "A"
    assert part.text == "so it was"


def test_without_turns_nobody_said_anything() -> None:
    spoken = segment(word("Hello", 0.0, 0.5), word("there", 0.5, 1.0))

    assert attribute([spoken], []) == (spoken,)


@pytest.mark.parametrize(
    ("texts", "border", "parts"),
    [
        pytest.param("Thank you very much.", 0.5, ["Thank you very much."], id="the first of a sentence"),
        pytest.param("I have to go.", 1.5, ["I have to go."], id="the last of a sentence"),
        pytest.param("Thank you.", 0.4, ["Thank you."], id="of two words"),
        pytest.param("Yes. I have to go.", 0.5, ["Yes.", "I have to go."], id="a sentence of its own"),
        pytest.param("Well, have to go.", 0.5, ["Well,", "have to go."], id="a clause of its own"),
        pytest.param("Are you there? Yes.", 1.5, ["Are you there?", "Yes."], id="an answer"),
        pytest.param("So did you go there", 1.0, ["So did", "you go there"], id="two words on either side"),
    ],
)
def test_a_single_word_parted_from_its_sentence_goes_to_the_speaker_of_the_sentence(
    texts: str, border: float, parts: list[str]
) -> None:
    spoken = segment(*(word(text, n / 2, n / 2 + 0.5) for n, text in enumerate(texts.split())))

    found = attribute([spoken], [turn(0.0, border, "A"), turn(border, 4.0, "B")])

    assert [part.text for part in found] == parts


def test_a_single_word_stays_with_its_speaker_after_a_pause_and_far_from_the_other() -> None:
    turns = [turn(0.0, 0.6, "A"), turn(0.6, 4.0, "B")]
    late = segment(word("Thank", 0.0, 0.5), word("you", 0.9, 1.2), word("very", 1.2, 1.5))
    assert [part.text for part in attribute([late], turns)] == ["Thank", "you very"]
    far = [turn(0.0, 0.6, "A"), turn(2.0, 4.0, "B")]
    drawn = segment(word("Thank", 0.0, 0.5), word("you", 0.5, 3.5), word("very", 3.5, 3.7))
    assert [part.text for part in attribute([drawn], far)] == ["Thank", "you very"]


@pytest.mark.parametrize("segments", [[], [Segment(start=0.0, end=0.0, text="")]])
def test_nothing_said_is_nothing_to_give(segments: list[Segment]) -> None:
    assert [part.text for part in attribute(segments, [turn(0.0, 1.0, "A")])] == [one.text for one in segments]


TIMES = st.integers(min_value=0, max_value=60_000).map(lambda milliseconds: milliseconds / 1000)


@st.composite
def turns(draw: st.DrawFn) -> list[SpeakerTurn]:
    edges = sorted(draw(st.sets(TIMES, max_size=24)))
    speakers = st.sampled_from(["A", "B", "C"])
    return [turn(start, end, draw(speakers)) for start, end in list(pairwise(edges))[:: draw(st.sampled_from([1, 2]))]]


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    edges = sorted(draw(st.lists(TIMES, min_size=2, max_size=40)))
    words = [word(draw(st.sampled_from(["a", "ab", "b.", "ba"])), *times) for times in list(pairwise(edges))]
    segments = []
    while words:
        size = draw(st.integers(min_value=1, max_value=8))
        segments.append(segment(*words[:size]))
        words = words[size:]
    return segments


@given(transcripts(), turns())
def test_no_word_is_lost_doubled_or_moved(segments: list[Segment], exclusive: list[SpeakerTurn]) -> None:
    parts = attribute(segments, exclusive)

    def kept(some: list[Segment]) -> list[tuple[str, float, float, float]]:
        return [(each.text, each.start, each.end, each.score) for one in some for each in one.words]

    assert kept(list(parts)) == kept(segments)
    assert " ".join(part.text for part in parts) == " ".join(one.text for one in segments)


@given(transcripts(), turns())
def test_parts_are_in_order_within_their_segments_and_of_one_speaker(
    segments: list[Segment], exclusive: list[SpeakerTurn]
) -> None:
    parts = attribute(segments, exclusive)

    assert all(before.start <= after.start for before, after in pairwise(parts))
    assert all(before.end <= after.start for before, after in pairwise(parts))
    assert all({each.speaker for each in part.words} == {part.speaker} for part in parts)


@given(transcripts(), turns())
def test_each_word_has_the_speaker_that_a_search_of_all_turns_finds_or_one_nearby(
    segments: list[Segment], exclusive: list[SpeakerTurn]
) -> None:
    for each in (each for part in attribute(segments, exclusive) for each in part.words):
        middle = (each.start + each.end) / 2
        speaking = {one.speaker for one in exclusive if one.start <= middle < one.end}
        reach = MAX_BORDER_SECONDS + 0.001
        near = {one.speaker for one in exclusive if one.start - reach <= middle < one.end + reach}
        assert not speaking or each.speaker in near


@given(st.lists(TIMES, max_size=20), turns())
def test_words_out_of_order_are_given_as_they_would_be_alone(times: list[float], exclusive: list[SpeakerTurn]) -> None:
    spoken = [segment(word("so", time, time + 0.1)) for time in times]

    assert attribute(spoken, exclusive) == tuple(part for one in spoken for part in attribute([one], exclusive))
