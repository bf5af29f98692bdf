"""What can be asked of the work on one recording: its language, how careful, how many speakers. Pure.

The same names in a form, in JSON and in a dataset's settings; what is asked for a recording counts before what its
dataset says.
"""

import re
from collections.abc import Mapping
from typing import Any

from echoic.errors import FieldInvalid, FieldTypeInvalid

MAX_SPEAKERS = 100
MAX_DIGITS = 9

SPEAKER_NUMBERS = ("num_speakers", "min_speakers", "max_speakers")
"""How many people speak: exactly, at least, at most."""
TIERS = ("fast", "careful")
LANGUAGE_PATTERN = "^[a-z]{2,3}$"

_LANGUAGE = re.compile(LANGUAGE_PATTERN)


def options_of_json(fields: Mapping[str, object]) -> dict[str, Any]:
    """The options that a JSON object gives. Raises FieldTypeInvalid and FieldInvalid."""
    numbers = {name: _number(fields, name) for name in SPEAKER_NUMBERS}
    return _judged(numbers, language=_text(fields, "language"), tier=_text(fields, "tier"))


def options_of_form(fields: Mapping[str, str]) -> dict[str, Any]:
    """The options that a form gives; blank is not given. Raises FieldInvalid."""
    numbers = {name: _written_number(fields, name) for name in SPEAKER_NUMBERS}
    language, tier = (fields.get(name, "").strip() or None for name in ("language", "tier"))
    return _judged(numbers, language=language, tier=tier)


def judge_speaker_numbers(given: Mapping[str, int | None]) -> dict[str, int]:
    """Those of the numbers that were given. Raises FieldInvalid where they cannot be met."""
    numbers = {name: number for name, number in given.items() if number is not None}
    for name, number in numbers.items():
        if not 1 <= number <= MAX_SPEAKERS:
            raise FieldInvalid(f"'{name}' must be a whole number from 1 to {MAX_SPEAKERS}.")
    if "num_speakers" in numbers and len(numbers) > 1:
        raise FieldInvalid("Give either 'num_speakers' or 'min_speakers' and 'max_speakers'.")
    if numbers.get("min_speakers", 1) > numbers.get("max_speakers", MAX_SPEAKERS):
        raise FieldInvalid("'min_speakers' must not be greater than 'max_speakers'.")
    return numbers


def _judged(numbers: Mapping[str, int | None], *, language: str | None, tier: str | None) -> dict[str, Any]:
    options: dict[str, Any] = dict(judge_speaker_numbers(numbers))
    if language is not None:
        if not _LANGUAGE.fullmatch(language):
            raise FieldInvalid("'language' must be an ISO 639 code of two or three small letters, as 'en'.")
        options["language"] = language
    if tier is not None:
        if tier not in TIERS:
            raise FieldInvalid(f"'tier' must be one of: {', '.join(TIERS)}.")
        options["tier"] = tier
    return options


def _number(fields: Mapping[str, object], name: str) -> int | None:
    value = fields.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a whole number.")


def _written_number(fields: Mapping[str, str], name: str) -> int | None:
    digits = fields.get(name, "").strip()
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise FieldInvalid(f"'{name}' must be a whole number from 1 to {MAX_SPEAKERS}.")
    return int(digits)


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a string.")
