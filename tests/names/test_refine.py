"""What the rules around a model make of what it said, a row a rule."""

import time

import pytest

from echoic.names.refine import refine
from tests.names.refined import found


@pytest.mark.parametrize(
    ("text", "model", "expected"),
    [
        # Boundaries.
        ("It is the Quillfeather Trust.", "the Quillfeather Trust", "Quillfeather Trust"),
        ("It was Mrs. Zabriskie's idea.", "Mrs. Zabriskie's", "Zabriskie"),
        ("Then Zabriskie’s car came.", "Zabriskie’s", "Zabriskie"),
        ("He sold it to Wexo Inc. today.", "Wexo Inc.", "Wexo Inc"),
    ],
)
def test_a_name_stands_without_what_surrounds_it(text: str, model: str, expected: str) -> None:
    assert found(text, (model, "person"))[0][0] == expected


@pytest.mark.parametrize("text", ["Mr. President spoke.", "It was COVID-19.", "See you Monday, okay."])
def test_what_is_no_name_is_left_out(text: str) -> None:
    word = {"M": "Mr. President", "I": "COVID-19", "S": "Monday"}[text[0]]
    assert found(text, (word, "person")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I asked Mr. Zabriskie.", [("Zabriskie", "person")]),
        ("I asked Captain Ludo van der Hoek.", [("Ludo van der Hoek", "person")]),
        ("They crossed the Umbral River.", [("Umbral River", "place")]),
        ("They climbed Mount Umbral.", [("Mount Umbral", "place")]),
        ("They met in Umbral street.", [("Umbral street", "place")]),
        ("She heads the Umbral Trade Commission.", [("Umbral Trade Commission", "organization")]),
        ("The Ministry of Fair Weather said so.", [("Ministry of Fair Weather", "organization")]),
        ("We flew a Boeing 797-3 there.", [("Boeing 797-3", "product")]),
        ("He bought a Toyota Umbra last year.", [("Toyota Umbra", "product")]),
        ("The Umbra rover has landed.", [("Umbra", "product")]),
        ("It is sold as Umbrazol in shops.", [("Umbrazol", "product")]),
        ("Open it on your iSlate, please.", [("iSlate", "product")]),
        ("I use WhatsApp in Norway.", [("WhatsApp", "product"), ("Norway", "place")]),
    ],
)
def test_names_are_told_by_what_stands_around_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "In 1985 it rained.",
        "On March 18 it rained.",
        "Some 40 came.",
        "We read Chapter 7 and Figure 12.",
        "Nothing of the river, the commission or the rover.",
    ],
)
def test_numbers_and_common_nouns_are_no_names(text: str) -> None:
    assert found(text) == []


def test_a_person_beside_a_maker_is_no_model_of_it() -> None:
    text = "At Microsoft Ludo Zabriskie spoke."

    assert found(text, ("Ludo Zabriskie", "person")) == [("Microsoft", "organization"), ("Ludo Zabriskie", "person")]


def test_somebody_called_like_a_landscape_is_a_person() -> None:
    text = "Ludo Park left."

    assert found(text, ("Ludo Park", "person")) == [("Ludo Park", "person")]


def test_a_list_that_was_taken_for_one_name_is_parted() -> None:
    text = "Use Umbrazol, Wexor or Tyxol instead."

    names = [name for name, _ in found(text, ("Umbrazol, Wexor or Tyxol", "product"))]

    assert names == ["Umbrazol", "Wexor", "Tyxol"]


def test_a_surname_alone_is_its_owners_wherever_it_stands() -> None:
    text = "Ludo Zabriskie came. Then Zabriskie spoke, and all of Zabriskie's friends."

    assert found(text, ("Ludo Zabriskie", "person")) == [("Ludo Zabriskie", "person")] + [("Zabriskie", "person")] * 2


def test_names_do_not_overlap_and_the_longer_one_stays() -> None:
    text = "He works at Microsoft Corporation in New York City."

    assert found(text, ("New York", "place")) == [("Microsoft Corporation", "organization"), ("New York City", "place")]


REPEATS = 5


def test_time_is_linear_in_the_text() -> None:
    def seconds(text: str) -> float:
        taken = []
        for _ in range(REPEATS):
            started = time.process_time()
            refine(text, [])
            taken.append(time.process_time() - started)
        return min(taken)  # what a busy machine adds is not the text's doing

    # Words with capitals throughout are the worst for patterns that look for rows of them.
    text = "Alpha Beta Gamma Delta Epsilon Zeta " * 400
    assert seconds(text * 4) < 12 * max(seconds(text), 0.01)


def test_an_organization_of_one_word_needs_more_than_one_look_of_the_model() -> None:
    assert found("They like Zexel a lot.", ("Zexel", "organization")) == []
    assert found("They like Zexel. Then Zexel grew.", ("Zexel", "organization")) == [("Zexel", "organization")] * 2
    assert found("Ludo Zabriskie of Zexel came.", ("Zexel", "organization"), ("Ludo Zabriskie", "person")) == [
        ("Ludo Zabriskie", "person"),
        ("Zexel", "organization"),
    ]


def test_an_acronym_is_an_organization_where_the_model_has_it_as_a_person_or_a_place() -> None:
    text = "The UMBF funds it, as the UMBF said."
    assert found(text, ("UMBF", "place")) == [("UMBF", "organization"), ("UMBF", "organization")]
    assert found("We flew to the USA again.", ("USA", "place")) == [("USA", "place")]
    assert found("I SAW OMAR.", ("OMAR", "person")) == [("OMAR", "person")]


def test_a_storm_is_no_place() -> None:
    assert found("After tropical storm Umbra we met in Norway.", ("Umbra", "place")) == [("Norway", "place")]


def test_a_given_name_before_a_castle_is_a_person() -> None:
    assert found("Please ask Chris Castle.", ("Chris Castle", "person")) == [("Chris Castle", "person")]
    assert found("We saw the Umbral Castle.") == [("Umbral Castle", "place")]
