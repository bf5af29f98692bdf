"""Cues of any transcript keep the rules that players rely on."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from echoic.formats.cues import MAX_LINES, Cue, clock, make_cues
from echoic.formats.options import USUAL
from echoic.records import Segment, Transcript, Word, milliseconds

TIMES = st.floats(min_value=0, max_value=40_000, allow_nan=False).map(milliseconds)
SPEAKERS = st.sampled_from([None, "Anna", "Ben"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=120)
WORD_TEXTS = st.one_of(
    st.text(st.characters(categories=["L", "P", "N"]), min_size=1, max_size=12),
    st.text(alphabet="漢字かな交じり", min_size=1, max_size=60),
)


@st.composite
def spoken(draw: st.DrawFn) -> Segment:
    """A segment as engines make them: words within it, in order."""
    texts = draw(st.lists(WORD_TEXTS, min_size=1, max_size=40))
    start = draw(TIMES)
    words, now = [], start
    for text in texts:
        begin = now + draw(st.floats(0, 3))
        now = begin + draw(st.floats(0, 2))
        words.append(Word(text=text, start=milliseconds(begin), end=milliseconds(now), score=0.9))
    joiner = draw(st.sampled_from([" ", ""]))
    return Segment(
        start=start, end=milliseconds(now), text=joiner.join(texts), words=tuple(words), speaker=draw(SPEAKERS)
    )


@st.composite
def disordered(draw: st.DrawFn) -> Segment:
    """A segment nobody promised anything about: times overlap or run backwards, words do not fit the text."""
    words = draw(
        st.lists(st.builds(Word, text=TEXTS, start=TIMES, end=TIMES, score=st.just(0.5), speaker=SPEAKERS), max_size=5)
    )
    return Segment(start=draw(TIMES), end=draw(TIMES), text=draw(TEXTS), words=tuple(words), speaker=draw(SPEAKERS))


TRANSCRIPTS = st.lists(st.one_of(spoken(), disordered()), max_size=8).map(lambda segments: transcript(*segments))


def transcript(*segments: Segment) -> Transcript:
    return Transcript(item_id=1, title="T", language="en", duration_seconds=None, segments=tuple(segments))


def letters(text: str) -> str:
    return "".join(text.split())


@given(TRANSCRIPTS)
def test_cues_are_in_order_do_not_overlap_and_all_last(made: Transcript) -> None:
    cues = make_cues(made)
    assert all(cue.start_ms < cue.end_ms for cue in cues)
    assert all(before.end_ms <= cue.start_ms for before, cue in pairwise(cues))


@given(TRANSCRIPTS)
def test_every_letter_is_shown_once_and_in_order(made: Transcript) -> None:
    shown = "".join(letter for cue in make_cues(made) for letter in letters("".join(cue.lines)))
    assert shown == "".join(letters(segment.text) for segment in made.segments)


@given(TRANSCRIPTS)
def test_a_cue_has_at_most_two_lines_that_fit_the_screen(made: Transcript) -> None:
    for cue in make_cues(made):
        assert 1 <= len(cue.lines) <= MAX_LINES
        assert all(0 < len(line) <= USUAL.max_line_columns and line == " ".join(line.split()) for line in cue.lines)


def words_every(seconds: float, *texts: str, start: float = 0.0) -> tuple[Word, ...]:
    return tuple(
        Word(text=text, start=start + n * seconds, end=start + (n + 1) * seconds, score=0.9)
        for n, text in enumerate(texts)
    )


def said(words: tuple[Word, ...], text: str | None = None) -> Segment:
    return Segment(
        start=words[0].start, end=words[-1].end, text=text or " ".join(word.text for word in words), words=words
    )


def test_a_long_segment_is_cut_where_its_words_were_said() -> None:
    words = words_every(0.25, *[f"word{n:02}" for n in range(30)], start=10.0)
    cues = make_cues(transcript(said(words)))
    assert len(cues) == 3
    for cue in cues:
        first = cue.lines[0].split()[0]
        last = cue.lines[-1].split()[-1]
        assert cue.start_ms == 10_000 + int(first[4:]) * 250
        assert cue.end_ms == 10_000 + (int(last[4:]) + 1) * 250


def test_a_long_segment_is_cut_evenly_instead_of_leaving_one_word_over() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    cues = make_cues(transcript(Segment(start=0.0, end=6.0, text=text)))
    assert [len(" ".join(cue.lines).split()) for cue in cues] == [10, 6]


def test_a_cue_ends_at_a_long_pause_and_where_the_speaker_changes() -> None:
    before, after = words_every(0.5, "wait"), words_every(0.5, "there", "he", start=4.0)
    other = Word(text="Who?", start=5.0, end=5.4, score=0.9, speaker="Ben")
    segment = Segment(start=0.0, end=5.4, text="wait there he Who?", words=(*before, *after, other), speaker="Anna")
    assert make_cues(transcript(segment)) == [
        Cue(start_ms=0, end_ms=500, lines=("wait",), speaker="Anna"),
        Cue(start_ms=4000, end_ms=5000, lines=("there he",), speaker="Anna"),
        Cue(start_ms=5000, end_ms=5500, lines=("Who?",), speaker="Ben"),
    ]


def test_slow_speech_is_cut_by_time_although_it_would_fit_the_lines() -> None:
    cues = make_cues(transcript(said(words_every(1.2, *["slow"] * 14))))
    assert all(cue.end_ms - cue.start_ms <= USUAL.max_cue_seconds * 1000 for cue in cues)
    assert len(cues) == 3


def test_corrected_text_is_shown_although_the_words_were_not_corrected() -> None:
    segment = said(words_every(1.0, "helo", "wurld"), text="Hello world")
    assert make_cues(transcript(segment)) == [Cue(start_ms=0, end_ms=2000, lines=("Hello world",), speaker=None)]


def test_words_without_spaces_between_them_are_not_pulled_apart() -> None:
    segment = said(words_every(0.5, "It", "'s", "free", "-", "form", "."), text="It's free-form.")
    assert make_cues(transcript(segment))[0].lines == ("It's free-form.",)


def test_a_short_word_stays_on_screen_until_the_next_cue_at_most() -> None:
    hm, next_one = said(words_every(0.1, "Hm.")), said(words_every(0.4, "Yes.", start=0.3))
    alone = said(words_every(0.1, "Bye.", start=9.0))
    assert [(cue.start_ms, cue.end_ms) for cue in make_cues(transcript(hm, next_one, alone))] == [
        (0, 300),
        (300, 800),
        (9000, 9500),
    ]


def test_what_is_said_while_somebody_else_speaks_is_shown_long_enough_to_be_read() -> None:
    anna = said(words_every(1.0, "So", "this", "is", "how", "it", "went"))
    ben, then = said(words_every(0.3, "Yeah.", start=3.0)), said(words_every(0.5, "Then", start=6.0))
    assert [(cue.start_ms, cue.end_ms, cue.lines) for cue in make_cues(transcript(anna, ben, then))] == [
        (0, 3000, ("So this is how it went",)),
        (3000, 3500, ("Yeah.",)),
        (6000, 6500, ("Then",)),
    ]
    at_once = make_cues(transcript(anna, said(words_every(0.3, "Yeah.")), then))
    assert [(cue.start_ms, cue.end_ms) for cue in at_once] == [(0, 500), (500, 1000), (6000, 6500)]


@pytest.mark.parametrize(
    ("milliseconds_", "shown"), [(0, "00:00:00,000"), (3_723_004, "01:02:03,004"), (360_000_000, "100:00:00,000")]
)
def test_times_are_written_with_hours_minutes_seconds_and_milliseconds(milliseconds_: int, shown: str) -> None:
    assert clock(milliseconds_, ",") == shown
