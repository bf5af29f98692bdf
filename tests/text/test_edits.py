"""Words that are one edit apart."""

import pytest
from hypothesis import given, strategies as st

from echoic.text.edits import deletion_forms, one_edit_apart

WORDS = st.text("abc", max_size=6)


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ("deadline", "deadlne", True),
        ("deadline", "deadlinee", True),
        ("deadline", "deadlime", True),
        ("deadline", "daedline", True),
        ("deadline", "deadline", False),
        ("deadline", "dedlne", False),
        ("ab", "ba", True),
        ("abcd", "badc", False),
        ("", "a", True),
    ],
)
def test_one_letter_more_less_wrong_or_swapped_is_one_edit(first: str, second: str, apart: bool) -> None:
    assert one_edit_apart(first, second) is apart
    assert one_edit_apart(second, first) is apart


@given(WORDS, WORDS)
def test_words_one_edit_apart_share_a_form(first: str, second: str) -> None:
    if one_edit_apart(first, second):
        assert deletion_forms(first) & deletion_forms(second)
