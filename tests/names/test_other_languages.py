"""Names in texts of other languages: what a model said of them, and what is made of it."""

from echoic.names.refine import refine_in_language
from echoic.records import EntityType
from tests.names.refined import said


def found(text: str, language: str, *names: tuple[str, EntityType]) -> list[tuple[str, str]]:
    return [(span.text, span.type) for span in refine_in_language(text, said(text, *names), language)]


def test_german_greetings_are_no_people() -> None:
    text = "Hallo Herr Zabriskie, guten Tag. Danke schön."

    names = found(text, "de", ("Hallo Herr Zabriskie", "person"), ("Tag", "person"), ("Danke", "person"))

    assert names == [("Zabriskie", "person")]


def test_german_nouns_are_not_spread_and_parts_of_names_are() -> None:
    text = "Ludo Zabriskie kam mit dem Schiff. Das Schiff sank. Zabriskie schwamm."

    names = found(text, "de", ("Ludo Zabriskie", "person"), ("Schiff", "organization"))

    assert names == [("Ludo Zabriskie", "person"), ("Schiff", "organization"), ("Zabriskie", "person")]


def test_french_thanks_are_no_people() -> None:
    text = "Bonjour Ludo. Merci Ludo."

    names = found(text, "fr", ("Bonjour", "person"), ("Ludo", "person"))

    assert names == [("Ludo", "person")] * 2


def test_names_known_everywhere_are_found_in_any_language() -> None:
    assert found("Google öffnet ein Büro in Berlin.", "de") == [("Google", "organization"), ("Berlin", "place")]
