"""JSON as PostgreSQL keeps it. Its ``jsonb`` takes less than Python's ``json`` writes, and says so without saying where.

See RFC 8259, sections 6 and 8.2, and PostgreSQL's manual, "JSON Types".
"""

import json
import math
from collections.abc import Iterator

from echoic.errors import ValueNotStorable

_PLAIN = (str, int, float, bool, type(None))


def to_json(value: object) -> str:
    """Return the text of a value.

    Raises:
        ValueNotStorable: names the place of a number that is not finite, of text with a NUL character or half a
            surrogate pair, or of an object that JSON does not know.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise ValueNotStorable(_complaint(value) or f"A value cannot be written as JSON: {error}.") from error
    # The escape may also be that of a backslash, so that only a look at the values can tell.
    if "\\u0000" in text and (complaint := _complaint(value)):
        raise ValueNotStorable(complaint)
    return text


def _complaint(value: object) -> str | None:
    return next(_complaints(value, ""), None)


def _complaints(value: object, path: str) -> Iterator[str]:
    where = f"The value of '{path}'" if path else "The value"
    if isinstance(value, dict):
        for key, inner in value.items():
            if trouble := _trouble_with(key):
                yield f"{where} has a key that {trouble}."
            yield from _complaints(inner, f"{path}.{key}" if path else f"{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _complaints(inner, f"{path}[{index}]")
    elif trouble := _trouble_with(value):
        yield f"{where} {trouble}."


def _trouble_with(value: object) -> str | None:
    if not isinstance(value, _PLAIN):
        return f"is of the type {type(value).__name__}, which JSON does not know"
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, not a finite number"
    if isinstance(value, str) and "\x00" in value:
        return "has a NUL character"
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        return "has half a surrogate pair"
    return None
