"""Only a few stretches of Unicode are looked at for marks and digits: nothing of the kind lies elsewhere."""

import re
import sys
import unicodedata

import pytest

from echoic.text.unspaced import MARKS, SPACELESS, is_unspaced


def test_the_marks_are_all_those_of_the_basic_plane() -> None:
    assert {char for char in map(chr, range(0x10000)) if unicodedata.category(char).startswith("M")} == set(MARKS)


def test_no_letter_of_an_unspaced_script_is_a_vowel_sign_or_a_digit() -> None:
    letter = re.compile(f"[{SPACELESS}]")
    letters = [char for char in map(chr, range(sys.maxunicode + 1)) if letter.match(char)]
    assert {unicodedata.category(char) for char in letters}.isdisjoint({"Mn", "Mc", "Nd"})


@pytest.mark.parametrize("word", ["會", "𠮷", "日", "あ", "ｱ", "ก", "က", "한", "ㄱ"])
def test_a_character_of_an_unspaced_script_is_a_word(word: str) -> None:
    assert is_unspaced(word)


@pytest.mark.parametrize("word", ["a", "é", "я", "๑", "ั", "5", "、"])
def test_other_letters_digits_and_signs_are_not(word: str) -> None:
    assert not is_unspaced(word)
