"""Names of files as they can be shown and sent.

A file system keeps bytes: the name of an old disk may be no UTF-8, and Python then hands on each byte that it cannot
read as half of a surrogate pair (https://peps.python.org/pep-0383/), which neither a terminal nor JSON can carry.
"""

import os
import unicodedata

from echoic.intake.file_names import CONTROL, SURROGATE

OLD_ENCODING = "cp1252"
"""The encoding in which bytes that are no UTF-8 are read: that of Western systems before UTF-8."""
ESCAPED_BYTES = range(0xDC80, 0xDD00)
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def shown(name: "str | os.PathLike[str]") -> str:
    """Return the name in characters that every server and terminal takes; most names stay as they are."""
    return "".join(map(_shown, os.fspath(name)))


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == CONTROL:
        return " "
    if category != SURROGATE:
        return character
    code = ord(character)
    if code not in ESCAPED_BYTES:
        return UNKNOWN
    return bytes([code - ESCAPED_BYTES.start + 0x80]).decode(OLD_ENCODING, errors="replace")
