"""Titles with marks in place of what a policy hides."""

import pytest

from echoic.reading.titles import shown_text
from echoic.redaction.policy import DETECTED, Policy

EVERYTHING = Policy(kinds=frozenset(DETECTED), words=("Blue Falcon",))
LITTLE = Policy(kinds=frozenset({"phone"}), words=("Blue Falcon",))


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Weekly meeting with Anna Weber, Bob O'Neill and Jim", "Weekly meeting with [PERSON] and [PERSON]"),
        ("anna_weber_interview_2024-05-03.wav", "[PERSON] interview 2024-05-03.wav"),
        ("ANNA'S CALL", "[PERSON] CALL"),
        ("Besprechung mit Frau Müller-Lüdenscheidt", "Besprechung mit Frau [PERSON]"),
        ("田中さんの会議", "[PERSON]"),
        ("zebulon talks with a friend of Mondays", "[PERSON] talks with a friend of Mondays"),
        ("Recording_7", "Recording_7"),
        ("blue_falcon_call_01715552368.mp3", "[PERSON] call [PHONE].mp3"),
    ],
)
def test_what_may_be_a_name_is_hidden_in_titles(title: str, shown: str) -> None:
    assert shown_text(title, EVERYTHING, {"Zebulon Quartermaine"}) == shown


def test_names_stay_where_a_policy_hides_other_things() -> None:
    assert shown_text("Anna on blue falcon, 0171 555 2368", LITTLE, ()) == "Anna on [WORD], [PHONE]"
