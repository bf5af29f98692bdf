"""Fields of a JSON object in a request, of the type that is wanted. Pure."""

from collections.abc import Mapping

from echoic.errors import FieldTypeInvalid


def text_field(fields: Mapping[str, object], name: str) -> str | None:
    """A text; None where it is missing or null. Raises FieldTypeInvalid."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a string.")


def number_field(fields: Mapping[str, object], name: str) -> int | None:
    """A whole number; None where it is missing or null. Raises FieldTypeInvalid."""
    value = fields.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a whole number.")
