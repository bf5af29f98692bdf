"""A transcript cut to a span: whole words, and none that lies outside."""

from dataclasses import replace

from hypothesis import given, strategies as st

from echoic.sharing.cut import cut
from tests.factories import segment, talk

SAID = [*talk("alpha beta gamma", "delta epsilon, zeta!"), replace(segment("eta", start=20.0), words=())]
TIMES = {word.text.strip(",!"): (word.start, word.end) for part in SAID for word in part.words}
moments = st.floats(0, 22, allow_nan=False).map(lambda second: round(second, 3))


@given(start=moments, end=moments)
def test_just_the_words_within_the_span_are_left(start: float, end: float) -> None:
    shown = " ".join(part.text for part in cut(SAID, start, end))
    left = {word.strip(",!") for word in shown.split()}
    wanted = {word for word, (begin, stop) in TIMES.items() if begin >= start and stop <= end}
    assert left - {"eta"} == wanted
    assert ("eta" in left) == (start <= 20.0 and end >= SAID[2].end)


def test_a_part_has_the_times_and_the_signs_of_its_words() -> None:
    (part,) = cut(SAID, 10.2, 12.0)
    assert (part.start, part.end, part.text) == (10.5, 11.5, "epsilon, zeta!")
    assert [word.text for word in part.words] == ["epsilon,", "zeta!"]


def test_text_that_is_not_its_words_is_shown_whole_or_not_at_all() -> None:
    strange = replace(segment("alpha beta"), text="quite another text")
    assert list(cut([strange], 0.0, 0.9)) == []
    assert list(cut([strange], 0.0, 1.0)) == [strange]


def test_scripts_without_blanks_are_cut_between_words() -> None:
    said = segment("東京 は 晴れ です")
    closed = replace(said, text="東京は晴れです")
    (part,) = cut([closed], 0.5, 1.5)
    assert part.text == "は晴れ"
