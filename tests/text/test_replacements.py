"""Exact replacements: whole words, in text and words alike."""

import pytest
from hypothesis import given, strategies as st

from echoic.text.replacements import Replacement, replaced_in_segments
from tests.factories import segment


def made(text: str, *pairs: tuple[str, str]) -> tuple[str, list[str]]:
    """Text and words after the replacements."""
    replacements = [Replacement(find=find, replace=instead) for find, instead in pairs]
    found = replaced_in_segments([segment(text)], replacements)
    return (found[0].text, [word.text for word in found[0].words]) if found else ("", [])


@pytest.mark.parametrize(
    ("text", "pair", "expected"),
    [
        ("We met Kay Becker.", ("Kay Becker", "Kai Bäcker"), "We met Kai Bäcker."),
        ("We met (Kay Becker), yes.", ("Kay Becker", "K. B."), "We met (K. B.), yes."),
        ("whisper X is a whisper.", ("whisper X", "WhisperX"), "WhisperX is a whisper."),
        ("The cat concatenates cat-like.", ("cat", "dog"), "The dog concatenates dog-like."),
        ("Acme and ACME", ("ACME", "Acme Inc."), "Acme and Acme Inc."),
        ("um well um yes", ("um", ""), "well yes"),
        ("costs 5 $ now", ("5 $", "$5"), "costs $5 now"),
        (r"a \1 b", (r"\1", r"\g<0>"), r"a \g<0> b"),
    ],
)
def test_whole_words_are_replaced_as_they_are_written(text: str, pair: tuple[str, str], expected: str) -> None:
    assert made(text, pair)[0] == expected


def test_words_follow_the_text_and_share_the_time_of_those_they_replace() -> None:
    (found,) = replaced_in_segments(
        [segment("so Kay Becker, said", start=10.0)], [Replacement(find="Kay Becker", replace="Dr. Kai Bäcker")]
    )
    assert [word.text for word in found.words] == ["so", "Dr.", "Kai", "Bäcker,", "said"]
    assert [word.start for word in found.words] == [10.0, 10.5, 10.731, 10.962, 11.5]
    assert found.words[3].end == 11.5


def test_replacements_are_made_in_order_and_a_segment_without_words_goes() -> None:
    assert made("alpha", ("alpha", "beta"), ("beta", "gamma"))[0] == "gamma"
    assert replaced_in_segments(
        [segment("Thank you."), segment("Yes")], [Replacement(find="Thank you.", replace="")]
    ) == (segment("Yes"),)


def test_without_replacements_nothing_changes() -> None:
    empty = segment("")
    assert replaced_in_segments([empty], []) == (empty,)


@given(st.lists(st.sampled_from(["a", "b", "c", "a,", "(b)", "a-c"]), min_size=1, max_size=12))
def test_text_and_words_say_the_same(parts: list[str]) -> None:
    text, words = made(" ".join(parts), ("a", "x y"), ("b", ""))
    assert text == " ".join(words)
