"""What is found in a text, and what is left alone."""

import pytest

from echoic.redaction.digits import iban_holds, luhn_holds
from echoic.redaction.policy import DETECTED, Kind, Policy
from echoic.redaction.spans import find_spans, hide

EVERYTHING = Policy(kinds=frozenset(DETECTED), words=("Blue Falcon", "Falcon Nine", "Übergabe"))
PEOPLE = ("Zebulon Quartermaine", "Li Wei", "王小明", "May Ann Will")


def found(text: str) -> list[tuple[Kind, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_spans(text, EVERYTHING, PEOPLE)]


@pytest.mark.parametrize(
    ("text", "kind", "hidden"),
    [
        ("Call 555-2368 now", "phone", "555-2368"),
        ("at +49 (0)171 555 23 68, please", "phone", "49 (0)171 555 23 68"),
        (
            "it is zero one seven one, five five five, two three six eight.",
            "phone",
            "zero one seven one, five five five, two three six eight",
        ),
        ("null eins sieben eins fünf fünf zwo drei", "phone", "null eins sieben eins fünf fünf zwo drei"),
        ("oh one double seven triple five two three", "phone", "oh one double seven triple five two three"),
        (
            "null einundzwanzig dreiundvierzig um achtundsechzig elf",
            "phone",
            "null einundzwanzig dreiundvierzig um achtundsechzig elf",
        ),
        ("eight hundred 555 12 12", "phone", "eight hundred 555 12 12"),
        ("card 4111 1111 1111 1111 ok", "card", "4111 1111 1111 1111"),
        ("four one one one one one one one one one one one one one one one", "card", None),
        ("my credit card is 4111 1111 1111 1112", "card", "4111 1111 1111 1112"),
        ("DE89 3704 0044 0532 0130 00", "iban", None),
        ("GB29 NWBK 6016 1331 9268 19 OK", "iban", "GB29 NWBK 6016 1331 9268 19"),
        (
            "D E eight nine three seven zero four zero zero four four zero five three two zero one three zero zero zero",
            "iban",
            None,
        ),
        ("the IBAN is DE88 3704 0044 0532 0130 00", "iban", "DE88 3704 0044 0532 0130 00"),
        ("mail ada.l@example.org today", "email", "ada.l@example.org"),
        ("to a@b.org dot c@d.org now", "email", "a@b.org dot c@d.org"),
        ("a at b dot org dot me at d dot org now", "email", "a at b dot org dot me at d dot org"),
        ("ada dot l at example dot co dot uk today", "email", "ada dot l at example dot co dot uk"),
        ("write to z e b at gmail.com.", "email", "z e b at gmail.com"),
        (
            "mail J. O. H. N.-s m i t h at my-host- dash b dot org",
            "email",
            "J. O. H. N.-s m i t h at my-host- dash b dot org",
        ),
        ("I live at 12 Evergreen Terrace, Springfield", "address", "12 Evergreen Terrace, Springfield"),
        ("twenty two Baker Street is it", "address", "twenty two Baker Street"),
        ("Goethestraße 17a, 60313 Frankfurt", "address", "Goethestraße 17a, 60313 Frankfurt"),
        ("in der Langen Straße 5 oder", "address", "Langen Straße 5"),
        ("12 rue de Rivoli à Paris", "address", "12 rue de Rivoli à Paris"),
        ("thanks, Zebulon.", "person", "Zebulon"),
        ("Dr. QUARTERMAINE's desk", "person", "QUARTERMAINE"),
        ("zebulon quartermaine said", "person", "zebulon quartermaine"),
        ("我是王小明吗", "person", "王小明"),
        ("Project blue, falcon is secret", "word", "blue, falcon"),
        ("about blue falcon nine there", "word", "blue falcon nine"),
        ("die übergabe morgen", "word", "übergabe"),
    ],
)
def test_it_is_found(text: str, kind: Kind, hidden: str | None) -> None:
    assert found(text) == [(kind, text if hidden is None else hidden)]


@pytest.mark.parametrize(
    "text",
    [
        "In 2019, 2020, 2021 and 2022 it rained.",
        "It cost 1,250,000 dollars on 2026-11-28 or 28.11.2026.",
        "three hundred twenty five thousand people",
        "two of seven, nine or ten of us may will it",
        "we meet at ten past five in the lane, at the dot",
        "blue falcons fly; see you on the way to street twelve",
    ],
)
def test_it_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("spelled", ["J. O. H. N. ", "I-", "ha - ", "x_ ", "a at b-c- "])
def test_what_is_spelled_or_stammered_for_long_is_read_to_its_end(spelled: str) -> None:
    """Each sign may end a part of an address: tried in all combinations, this would take longer than anybody lives."""
    assert found(spelled * 200) == []
    assert found(spelled * 200 + "or ada@example.org")[-1][1].endswith("ada@example.org")


def test_check_digits_are_those_of_the_standards() -> None:
    assert luhn_holds("79927398713")
    assert not luhn_holds("79927398710")
    assert iban_holds("GB82WEST12345698765432")
    assert not iban_holds("GB83WEST12345698765432")


def test_only_what_the_policy_names_is_hidden() -> None:
    text = "Zebulon, 0171 5552368, a@b.org, 4111111111111111"
    assert hide(text, Policy(kinds=frozenset({"email"}))) == "Zebulon, 0171 5552368, [EMAIL], 4111111111111111"
    assert hide(text, Policy(kinds=frozenset({"phone"}))) == "Zebulon, [PHONE], a@b.org, 4111111111111111"
    assert hide(text, EVERYTHING, PEOPLE) == "[PERSON], [PHONE], [EMAIL], [CARD]"


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("phone", "OK 0171 555 2368 then", "OK [PHONE] then"),
        (
            "phone",
            "0044 171 555 2366, whose check digit is right by chance",
            "[PHONE], whose check digit is right by chance",
        ),
        ("phone", "555 123 4567, 555 123 4568", "[PHONE]"),
        ("phone", "our credit card line is 0044 20 7946 0958", "our credit card line is [PHONE]"),
        ("phone", "DE89 3704 0044 0532 0130 00, 0171 555 2368", "DE89 3704 0044 0532 0130 00, [PHONE]"),
        ("card", "not the IBAN, the card: 4111 1111 1111 1111", "not the IBAN, the card: [CARD]"),
    ],
)
def test_what_may_be_two_things_is_hidden_by_a_policy_for_either(kind: Kind, text: str, shown: str) -> None:
    assert hide(text, Policy(kinds=frozenset({kind}))) == shown
    assert not any(character.isdigit() for character in hide(text, EVERYTHING))
