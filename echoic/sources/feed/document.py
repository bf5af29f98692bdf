"""The bytes of a feed as text for the XML parser, piece by piece, mended where publishers usually break it.

The encoding is that of the byte order mark, of the answer's header, or of the XML declaration, as RFC 7303 orders them.
Bytes that it does not know become U+FFFD, characters that XML forbids are dropped, and names of HTML's entities, which XML
knows only by a DTD, become their characters.
"""

import codecs
import html.entities
import re
from collections.abc import Mapping

DECLARATION_BYTES = 1024
"""The beginning in which the XML declaration is looked for."""
HELD_BACK_CHARACTERS = 40
"""An entity's name is shorter; one that begins so near to the end of a piece waits for the next."""

_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31};)")
_XML_ENTITIES = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_FORBIDDEN: Mapping[int, None] = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
)


class FeedText:
    """Turns the bytes of one document into text."""

    def __init__(self, charset: str | None = None) -> None:
        self._charset = charset
        self._beginning: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held = ""
        self._begun = False

    def add(self, chunk: bytes, *, is_last: bool = False) -> str:
        """Return the text of the next bytes, as far as it is certain."""
        if self._decoder is None:
            self._beginning = (self._beginning or b"") + chunk
            if len(self._beginning) < DECLARATION_BYTES and not is_last:
                return ""
            chunk, self._beginning = self._beginning, None
            self._decoder = codecs.getincrementaldecoder(_encoding(chunk, self._charset))(errors="replace")
        text = self._held + self._decoder.decode(chunk, final=is_last).translate(_FORBIDDEN)
        self._held = ""
        if not self._begun:
            text = text.lstrip("\ufeff \t\r\n")  # nothing may stand before the XML declaration
            self._begun = bool(text)
        if not is_last:
            at = text.rfind("&", max(len(text) - HELD_BACK_CHARACTERS, 0))
            if at >= 0 and ";" not in text[at:]:
                text, self._held = text[:at], text[at:]
        return _ENTITY.sub(_character, text) if "&" in text else text


def _encoding(beginning: bytes, charset: str | None) -> str:
    for mark, encoding in _MARKS:
        if beginning.startswith(mark):
            return encoding
    declared = _DECLARED.search(beginning[:DECLARATION_BYTES])
    names = [charset, declared[1].decode("ascii") if declared else None]
    for name in names:
        try:
            if name and codecs.lookup(name)._is_text_encoding:  # noqa: SLF001 - the only way to tell base64 from latin-1
                return "windows-1252" if codecs.lookup(name).name == "iso8859-1" else name
        except LookupError:
            continue
    return "utf-8"


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    return entity[0] if name in _XML_ENTITIES else html.entities.html5.get(name, entity[0])
