"""Faults of values and files, and numbers of things, in words for people.

Libraries speak of types, regular expressions and numbers of errors.
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

Found = Mapping[str, Any]
"""One of the errors of a ``ValidationError``, with its ``ctx``: https://docs.pydantic.dev/latest/errors/validation_errors/"""

OUR_OWN = "value_error"
"""The type of an error that a validator of ours raised: its text is kept."""
A_TIME = "2027-01-31T12:00:00Z"
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] ?")

_FIXED: Mapping[str, str] = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_unicode": "must be a text in UTF-8",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "dict_type": "must be an object with fields",
    "model_type": "must be an object with fields",
    "model_attributes_type": "must be an object with fields",
    "timezone_aware": f"must say its time zone, as {A_TIME}",
    "extra_forbidden": "is not known",
    "none_required": "must be left out",
}
_COUNTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda limits: f"must be at least {_number(limits['ge'])}",
    "greater_than": lambda limits: f"must be greater than {_number(limits['gt'])}",
    "less_than_equal": lambda limits: f"must be at most {_number(limits['le'])}",
    "less_than": lambda limits: f"must be less than {_number(limits['lt'])}",
    "string_too_short": lambda limits: _at_least(limits["min_length"], "character"),
    "string_too_long": lambda limits: f"must have at most {_many(limits['max_length'], 'character')}",
    "too_short": lambda limits: _at_least(limits["min_length"], "entry"),
    "too_long": lambda limits: f"must have at most {_many(limits['max_length'], 'entry')}",
    "literal_error": lambda limits: f"must be {limits['expected']}",
    "enum": lambda limits: f"must be {limits['expected']}",
}


def sentence(found: Found, patterns: Mapping[str, str]) -> str:
    """Return the rule for the value, without its name before and a full stop after it.

    ``patterns`` says what must hold of a text that each regular expression stands for.
    """
    kind, limits = str(found["type"]), found.get("ctx") or {}
    if kind == OUR_OWN:
        return str(found["msg"]).removeprefix("Value error, ").rstrip(".")
    if kind == "string_pattern_mismatch":
        return patterns.get(limits["pattern"], "holds characters that it must not hold")
    if kind in _COUNTED:
        return _COUNTED[kind](limits)
    if kind.startswith(("datetime", "date_", "time_")):
        return f"must be a time, as {A_TIME}"
    return _FIXED.get(kind, "is not what is expected there")


def _number(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:g}"


def _at_least(number: int, what: str) -> str:
    return "must not be empty" if number == 1 else f"must have at least {_many(number, what)}"


def _many(number: int, what: str) -> str:
    many = f"{what.removesuffix('y')}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else many}"


def os_reason(error: OSError | UnicodeError) -> str:
    """Return why a file or folder could not be used, without the number of the error."""
    if isinstance(error, UnicodeError):
        return "it is not UTF-8"
    place = f" ({os.fspath(error.filename)!s})" if error.filename else ""
    return f"{(error.strerror or 'it cannot be opened')}{place}"


def in_one_line(error: BaseException) -> str:
    """Return the text of a library's error, without line breaks and numbers of errors."""
    return " ".join(_ERROR_NUMBER.sub("", str(error)).split())


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number of things in words: ``1 minute``, ``3,000 minutes``; ``many`` where an s is not the plural."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
