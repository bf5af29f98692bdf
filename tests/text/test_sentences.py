"""Where sentences end."""

import pytest

from echoic.text.sentences import ends_clause, ends_sentence, sentence_around


@pytest.mark.parametrize("text", ["Yes.", "really? ", "…", "好。", "I said so!", "etc."])
def test_a_sentence_ends_with_its_mark(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["", "yes", "Thanks to Dr.", "St. ", "so,", "1.5"])
def test_an_abbreviation_or_no_mark_ends_no_sentence(text: str) -> None:
    assert not ends_sentence(text)


def test_a_clause_ends_with_a_lesser_mark() -> None:
    assert [ends_clause(text) for text in ("so,", " well; ", "好，", "so", "so.")] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("within", "sentence"),
    [
        ("Anna", "Thanks to Dr. Hale, I'm Anna!"),
        ("Well", "Well."),
        ("bye", "Good bye"),
    ],
)
def test_the_sentence_around_a_place_is_found(within: str, sentence: str) -> None:
    text = "Well. Thanks to Dr. Hale, I'm Anna! Good bye"
    start = text.index(within)
    assert sentence_around(text, start, start + len(within)) == sentence
