"""Words as a text writes them."""

import pytest
from hypothesis import given, strategies as st

from echoic.text.written import says, written_words


@pytest.mark.parametrize(
    ("text", "known", "words"),
    [
        ("今天天氣很好。", ["今天", "很好"], ["今天", "天", "氣", "很好", "。"]),
        ("用iPhone打電話 ok", [], ["用", "iPhone", "打", "電", "話", "ok"]),
        ("กินไร", [], ["กิ", "น", "ไ", "ร"]),
        ("한국어 단어", [], ["한국어", "단어"]),
    ],
)
def test_scripts_without_spaces_are_cut_into_known_words_and_characters(
    text: str, known: list[str], words: list[str]
) -> None:
    assert [word.strip() for word in written_words(text, known)] == words


def test_each_word_keeps_the_space_before_it_and_the_marks_after_it() -> None:
    assert written_words("Yes,  sir! …") == ["Yes,", "  sir!", " …"]
    assert written_words("今天 好。") == ["今", "天", " 好。"]


@given(st.text(max_size=30), st.lists(st.sampled_from(["今天", "天", "กิน", "yes"]), max_size=3))
def test_the_words_together_are_the_text(text: str, known: list[str]) -> None:
    assert "".join(written_words(text, known)) == text.rstrip()


@pytest.mark.parametrize(
    ("texts", "phrase", "said"),
    [
        (["Hello New", "York!"], "new york", True),
        (["AT", "&", "T"], "AT&T", True),
        (["Rolls-Royce"], "Rolls Royce", True),
        (["Newer", "York"], "New York", False),
        (["New", "Yorkers"], "New York", False),
        (["straße"], "STRASSE", True),
        (["yes"], "…", False),
        ([], "yes", False),
    ],
)
def test_a_phrase_is_said_as_whole_words_however_they_are_cut(texts: list[str], phrase: str, said: bool) -> None:
    assert says(texts, phrase) is said
