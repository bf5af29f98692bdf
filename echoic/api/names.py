"""Names, slugs and descriptions in requests, trimmed and bounded."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticKnownError

from echoic.api.parameters import MAX_SLUG_CHARACTERS
from echoic.api.patterns import NO_NUL, NOT_BLANK, SLUG
from echoic.intake.fields import MAX_DESCRIPTION_CHARACTERS, clean_description
from echoic.text.visible import is_visible

MAX_NAME_CHARACTERS = 200


def without_nul(text: str) -> str:
    """The text itself; raises ValueError where it holds a NUL."""
    if "\0" in text:
        raise ValueError("must not hold a NUL character")  # PostgreSQL keeps none
    return text


def trimmed(text: str) -> str:
    """The text without blanks around it; refused as too short where nothing is left.

    For after a bound of the length: `strip_whitespace` counts after trimming, but the API's document speaks of the text
    as it was sent.
    """
    inner = text.strip()
    if not inner:
        raise PydanticKnownError("string_too_short", {"min_length": 1})
    return inner


def visible(text: str) -> str:
    """The text itself; raises ValueError where nothing of it can be seen."""
    if not is_visible(text):
        raise ValueError("must hold a character that can be seen")
    return text


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS),
    AfterValidator(trimmed),
    AfterValidator(without_nul),
    AfterValidator(visible),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS, "pattern": NOT_BLANK}),
]

NamePart = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS),
    AfterValidator(without_nul),
    Field(json_schema_extra={"pattern": NO_NUL}),
]
"""A part of a name to look for; its spaces count."""

SlugText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SLUG_CHARACTERS, pattern=SLUG)]
"""Part of a URL: lower-case letters, digits, and single hyphens between them."""

Description = Annotated[
    str | None,
    AfterValidator(clean_description),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "maxLength": MAX_DESCRIPTION_CHARACTERS, "pattern": NO_NUL}, {"type": "null"}]}
    ),
]
