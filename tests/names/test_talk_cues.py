"""Names that are told by what people say around them."""

import pytest

from tests.names.refined import found


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Thanks, Dragesh. I have two questions.", "Dragesh"),
        ("Hi, Dragesh, can you hear me?", "Dragesh"),
        ("My name is Dragesh and I run this.", "Dragesh"),
        ("I will turn it over to Dragesh.", "Dragesh"),
        ("From the line of Dragesh Umbrani, please go on.", "Dragesh Umbrani"),
        ("Here is our CEO, Dragesh Umbrani.", "Dragesh Umbrani"),
        ("With me is Dragesh Umbrani, our chief financial officer.", "Dragesh Umbrani"),
    ],
)
def test_people_are_found_where_they_are_addressed_or_introduced(text: str, person: str) -> None:
    assert found(text) == [(person, "person")]


def test_the_house_that_somebody_works_for_is_an_organization() -> None:
    text = "The question comes from Dragesh Umbrani with Zexel Partners."

    assert found(text) == [("Dragesh Umbrani", "person"), ("Zexel Partners", "organization")]


@pytest.mark.parametrize(
    "text",
    ["Thanks, everybody.", "Yes, Please go on.", "Okay, Then we stop.", "Good morning, and welcome.", "Hi, Operator."],
)
def test_words_after_a_greeting_are_no_people(text: str) -> None:
    assert found(text) == []


def test_a_place_after_a_greeting_stays_a_place() -> None:
    assert found("Good morning, Chicago!") == [("Chicago", "place")]
