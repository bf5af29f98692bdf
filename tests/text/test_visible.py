"""Which texts show something."""

import re

import pytest
from hypothesis import given, strategies as st

from echoic.api.patterns import NOT_BLANK
from echoic.text.visible import is_visible

UNSEEN = (
    "",
    " \t\n",
    "\u200b\u200d",
    "\u2800",
    "\u3164",
    "\uffa0",
    "\u1160",
    "\u202e\u2066",
    "\u00ad",
    "\ufeff",
    "\ufe0f",
    "\x00\x85",
)
ASTRAL = ("\U000e0061", "\U000e0100", "\U0001d173")


@pytest.mark.parametrize("text", [*UNSEEN, *ASTRAL])
def test_blanks_joiners_fillers_and_marks_show_nothing(text: str) -> None:
    assert not is_visible(text)
    assert is_visible(f"{text}é{text}"), "beside a letter they are fine"


@pytest.mark.parametrize("text", ["x", "-", "\u0301", "ㅤ가", "می\u200cخواهم", "👩\u200d💻", "⠁", "0\ufe0f", "\u0600"])
def test_what_is_written_in_any_script_shows(text: str) -> None:
    assert is_visible(text)


@given(st.text(st.characters(exclude_characters="\0", max_codepoint=0xFFFF, exclude_categories=["Cs"])))
def test_the_document_of_the_api_has_the_same_rule(text: str) -> None:
    assert (re.search(NOT_BLANK, text) is not None) is is_visible(text)
