"""Names that were said: who is meant, and what is no name."""

import re

import pytest

from echoic.names.introductions import SAID, suggest_names
from tests.factories import segment

A, B = "SPEAKER_00", "SPEAKER_01"


def names(*said: tuple[str, str | None]) -> dict[str, list[str]]:
    segments = [segment(text, start=10.0 * number, speaker=speaker) for number, (text, speaker) in enumerate(said)]
    return {label: [each.name for each in found] for label, found in suggest_names(segments).items()}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Good morning, I'm Anna Weber and I work here.", "Anna Weber"),
        ("Hello. My name is Anna.", "Anna"),
        ("My name's Ludwig van Beethoven, as you know.", "Ludwig van Beethoven"),
        ("Hi, I am Dr. Mary-Jane O’Neill.", "Mary-Jane O’Neill"),
        ("This is Terry Gross for the radio.", "Terry Gross"),
    ],
)
def test_what_somebody_says_of_themselves_is_their_name(text: str, name: str) -> None:
    assert names((text, A)) == {A: [name]}
    assert re.search(SAID, text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm Irish.",
        "I'm American Irish.",
        "This is Boston calling.",
        "I'm sorry, I am very tired.",
        "It's Monday Morning.",
        "my name is not important",
        "I'm going to Anna Weber.",
    ],
)
def test_what_is_no_name_is_not_taken_for_one(text: str) -> None:
    assert names((text, A)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "My guest today is Anna Weber, who wrote a book.",
        "Our next guest is Dr. Anna Weber.",
        "I am joined today by Anna Weber.",
        "Please welcome Anna Weber!",
    ],
)
def test_who_is_introduced_is_whoever_speaks_next(text: str) -> None:
    said = ((text, A), ("She is with us.", A), ("Thank you.", B), ("So.", A))
    assert names(*said) == {B: ["Anna Weber"]}
    assert re.search(SAID, text)


def test_an_introduction_that_nobody_follows_names_nobody() -> None:
    assert names(("My guest today is Anna Weber.", A), ("She is late.", A)) == {}
    assert names(("I'm Anna Weber.", None)) == {}


def test_the_sentence_and_its_time_are_told_and_their_own_word_comes_first() -> None:
    segments = [
        segment("It is late. My guest today is Anne Webber. Welcome.", start=0.0, speaker=A),
        segment("Well, hello. I'm Anna Weber. Hm.", start=20.0, speaker=B),
    ]
    first, second = suggest_names(segments)[B]
    assert (first.name, first.sentence, first.start, first.kind) == (
        "Anna Weber",
        "I'm Anna Weber.",
        21.0,
        "said_of_self",
    )
    assert (second.sentence, second.start, second.kind) == ("My guest today is Anne Webber.", 1.5, "introduced")


def test_the_same_name_is_suggested_once() -> None:
    assert names(("I'm Anna Weber.", A), ("As I said, I'm ANNA Weber. I'm Anna Weber.", A)) == {A: ["Anna Weber"]}
