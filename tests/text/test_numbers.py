"""Numbers whose digits are written in groups."""

import pytest

from echoic.text.numbers import grouped_numbers, spellings
from echoic.text.words import words


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("1,000,000", ["1000000"]),
        ("1.250.50", []),
        ("1.234.5", []),
        ("0.125", []),
        ("0,500", []),
        ("2026 100", []),
        ("28.11.2026", []),
        ("12,345,67", []),
        ("1,00,000", ["100000"]),
        ("5,000km", ["5000"]),
        ("1,2,3", []),
        ("9.999,00 and 8,888.00", ["9999", "8888"]),
    ],
)
def test_a_number_in_groups_is_told_from_other_numbers(said: str, digits: list[str]) -> None:
    assert [number.digits for number in grouped_numbers(said)] == digits


def test_a_large_number_is_looked_for_in_groups_of_three_and_in_indian_ones() -> None:
    assert spellings("1234567") == [("1234567",), ("1", "234", "567"), ("12", "34", "567")]
    assert spellings("12345") == [("12345",), ("12", "345")]
    assert spellings("999") == [("999",)]
    assert spellings("0500") == [("0500",)]


def test_digits_of_all_scripts_are_the_same() -> None:
    assert words("٢٠٢٦ २०२६ ๒๐๒๖ ２０２６") == ["2026"] * 4
