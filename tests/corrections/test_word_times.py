"""Words of a corrected text: all of them, in order, within the segment, with the times of what was heard."""

from itertools import pairwise

from hypothesis import given, strategies as st

from echoic.corrections.word_times import WRITTEN_SCORE, corrected_words
from echoic.records import Segment, Word, milliseconds
from tests.factories import segment

TIMES = st.floats(min_value=0, max_value=5_000, allow_nan=False).map(milliseconds)
TOKENS = st.one_of(
    st.sampled_from(["a", "a", "b", "the", "Anna,", "anna", "…", "今天", "天", "ไทย", "iPhone手机"]),
    st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=6),
)
TEXTS = st.lists(TOKENS, max_size=12).map(" ".join).map(lambda text: " ".join(text.split()))


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """Also with words that engines should not give: out of order, overlapping, outside their segment."""
    start, end = sorted([draw(TIMES), draw(TIMES)])
    texts = [word for text in draw(st.lists(TOKENS, max_size=10)) for word in text.split()]
    words = []
    for text in texts:
        first, last = sorted([draw(TIMES), draw(TIMES)])
        words.append(Word(text=text, start=first, end=last, score=0.5, speaker="Ben"))
    return Segment(start=start, end=end, text=" ".join(texts), words=tuple(words), speaker="Anna")


@given(segments(), TEXTS)
def test_the_words_spell_the_text_in_order_and_stay_within_the_segment(said: Segment, text: str) -> None:
    words = corrected_words(said, text)
    assert "".join(word.text for word in words) == "".join(text.split())
    assert all(said.start <= word.start <= word.end <= said.end for word in words)
    assert all(before.start <= after.start for before, after in pairwise(words))
    assert all((word.score, word.speaker) in {(0.5, "Ben"), (WRITTEN_SCORE, "Anna")} for word in words)


@given(TEXTS, TEXTS)
def test_what_was_said_before_and_after_a_correction_keeps_its_times(first: str, text: str) -> None:
    said = segment(f"zebra {first} yard".replace("  ", " "), start=10)
    words = corrected_words(said, f"Zebra, {text} yard!".replace("  ", " "))
    # A neighbor without room gives of its own time, but never begins earlier or ends later.
    assert (words[0].text, words[0].start, words[0].score) == ("Zebra,", 10.0, 0.9)
    assert (words[-1].text, words[-1].end, words[-1].score) == ("yard!", said.words[-1].end, 0.9)


def times(said: Segment, text: str) -> list[tuple[str, float, float, float]]:
    return [(word.text, word.start, word.end, word.score) for word in corrected_words(said, text)]


def test_a_word_in_place_of_another_has_its_time_and_two_share_it_by_their_length() -> None:
    said = segment("we met john yesterday", speaker="Anna")
    assert times(said, "we met Joan yesterday") == [
        ("we", 0.0, 0.5, 0.9),
        ("met", 0.5, 1.0, 0.9),
        ("Joan", 1.0, 1.5, 1.0),
        ("yesterday", 1.5, 2.0, 0.9),
    ]
    assert times(said, "we met Jo and her yesterday")[2:5] == [
        ("Jo", 1.0, 1.125, 1.0),
        ("and", 1.125, 1.312, 1.0),
        ("her", 1.312, 1.5, 1.0),
    ]


def test_a_word_put_between_two_that_leave_no_room_shares_the_time_of_the_one_before() -> None:
    said = segment("not here")
    assert times(said, "not you here") == [("not", 0.0, 0.25, 0.9), ("you", 0.25, 0.5, 1.0), ("here", 0.5, 1.0, 0.9)]
    assert times(said, "am not here")[:2] == [("am", 0.0, 0.2, 1.0), ("not", 0.2, 0.5, 0.9)]


def test_a_word_put_into_a_pause_takes_the_pause() -> None:
    heard = (Word(text="so", start=1, end=1.5, score=0.7), Word(text="yes", start=4, end=4.5, score=0.7))
    said = Segment(start=1, end=5, text="so yes", words=heard)
    assert times(said, "so well yes")[1] == ("well", 1.5, 4.0, 1.0)
    assert times(said, "so yes indeed")[2] == ("indeed", 4.5, 5.0, 1.0)


def test_a_text_without_words_before_fills_the_segment_and_no_text_has_none() -> None:
    said = Segment(start=2, end=4, text="", words=())
    assert times(said, "ab cd") == [("ab", 2.0, 3.0, 1.0), ("cd", 3.0, 4.0, 1.0)]
    assert times(segment("all gone"), "") == []


def test_a_text_of_thousands_of_equal_words_is_not_compared_for_minutes() -> None:
    said = segment(" ".join(["na"] * 2_500 + ["hey"]))
    words = corrected_words(said, " ".join(["hey"] + ["na"] * 2_400 + ["la"]))
    assert len(words) == 2_402
