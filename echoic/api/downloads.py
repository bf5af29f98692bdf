"""Names of downloads: the title of the item, in characters that every file system takes (RFC 6266)."""

import re
import unicodedata
from urllib.parse import quote

MAX_STEM_BYTES = 180
"""File systems hold names of 255 bytes; extensions and numbers that browsers add need some of them."""

_KEPT_OUT = re.compile(r'[\\/:*?"<>|]')
"""Separators of paths, and characters that Windows takes in no name."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""Names of devices of Windows, which stay devices with any extension."""
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
"""General categories of what is no part of a name that can be read."""
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make an extension look like another."""


def disposition(title: str, extension: str, *, otherwise: str) -> str:
    """The header ``Content-Disposition`` for what has this title.

    ``otherwise`` is the name, in ASCII and without extension, for a title of which nothing is left and for clients that
    read no ``filename*`` (RFC 8187).
    """
    name = file_name(title, extension, otherwise=otherwise)
    plain = name if name.isascii() and '"' not in name and "%" not in name else f"{otherwise}{_dotted(extension)}"
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_name(title: str, extension: str, *, otherwise: str) -> str:
    """The name of a file for what has this title; an extension that the title ends with already is not added again."""
    stem = title.removesuffix(_dotted(extension)) if extension else title
    return f"{_stem(stem) or otherwise}{_dotted(extension)}"


def _stem(title: str) -> str:
    seen = "".join(
        " " if unicodedata.category(character) in _UNSEEN else character
        for character in _KEPT_OUT.sub("_", unicodedata.normalize("NFC", title))
        if character not in _DIRECTIONS
    )
    # A dot in front hides a file; dots and blanks at the end are dropped by Windows.
    stem = " ".join(seen.split(" ")).strip().lstrip(".").rstrip(". ")
    while len(stem.encode()) > MAX_STEM_BYTES:
        stem = stem[:-1].rstrip(". ")
    return f"_{stem}" if _RESERVED.fullmatch(stem) else stem


def _dotted(extension: str) -> str:
    return f".{extension}" if extension else ""
