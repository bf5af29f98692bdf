"""Kinds of files by how they begin: recordings, and files taken for one by mistake. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LOOKAHEAD_BYTES = 80
"""Bytes after its first that are needed to know a recording by its beginning."""
_TEXT_PROBE_BYTES = 2048
_MAX_FTYP_BYTES = 1024
_PICTURE_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
_PRINTABLE = re.compile(rb"[\x20-\x7e]{4}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """The beginning of a kind of recording."""

    mark: bytes
    """Bytes to look for first."""
    before: int = 0
    """How many bytes of the recording stand before the mark."""
    confirm: Callable[[bytes], bool]
    """Whether the bytes, from the recording's first on, are such a beginning."""


def _is_riff(head: bytes) -> bool:
    form, chunk = head[8:12], head[12:16]
    return form in (b"WAVE", b"AVI ") and _PRINTABLE.match(chunk) is not None


def _is_form(head: bytes) -> bool:
    return head[8:12] in (b"AIFF", b"AIFC") and _PRINTABLE.match(head[12:16]) is not None


def _is_mp4(head: bytes) -> bool:
    size = int.from_bytes(head[:4], "big")
    return 16 <= size <= _MAX_FTYP_BYTES and head[8:12] not in _PICTURE_BRANDS  # noqa: PLR2004 -- size, type, brand


def _is_ogg(head: bytes) -> bool:
    # The first page of a stream has the granule position 0.
    return head[6:14] == bytes(8)


def _is_matroska(head: bytes) -> bool:
    return b"\x42\x82" in head and (b"webm" in head or b"matroska" in head)


def _is_large_tag(head: bytes) -> bool:
    """ID3v2 (section 3.1 of its definition), with a picture: what follows is another file. Small ones stand within many."""
    is_tag = head[3] in (2, 3, 4) and head[4] == 0 and head[5] & 15 == 0 and max(head[6:10]) < 0x80  # noqa: PLR2004
    return is_tag and any(head[6:8]) and len(head) == LOOKAHEAD_BYTES


def _is_wavpack(head: bytes) -> bool:
    """The first block of a recording: sound from sample 0 on, and the first of the blocks that share its time."""
    version = int.from_bytes(head[8:10], "little")
    index, samples, flags = (int.from_bytes(head[at : at + 4], "little") for at in (16, 20, 24))
    return 0x402 <= version <= 0x410 and index == 0 and samples > 0 and bool(flags & 0x800)  # noqa: PLR2004


def _is_au(head: bytes) -> bool:
    head_bytes, _, coding, rate, channels = (int.from_bytes(head[at : at + 4], "big") for at in range(4, 24, 4))
    return 24 <= head_bytes <= 65_536 and 1 <= coding <= 27 and 4_000 <= rate <= 768_000 and 1 <= channels <= 64  # noqa: PLR2004


def _always(_: bytes) -> bool:
    return True


BEGINNINGS = (
    Beginning(mark=b"RIFF", confirm=_is_riff),
    Beginning(mark=b"RF64", confirm=_is_riff),
    Beginning(mark=b"BW64", confirm=_is_riff),
    Beginning(mark=b"FORM", confirm=_is_form),
    Beginning(mark=b"OggS\0\2", confirm=_is_ogg),
    Beginning(mark=b"fLaC\0\0\0\x22", confirm=_always),
    Beginning(mark=b"fLaC\x80\0\0\x22", confirm=_always),
    Beginning(mark=b"ftyp", before=4, confirm=_is_mp4),
    Beginning(mark=b"\x1a\x45\xdf\xa3", confirm=_is_matroska),
    Beginning(mark=b"ID3", confirm=_is_large_tag),
    Beginning(mark=b"wvpk", confirm=_is_wavpack),
    Beginning(mark=b".snd", confirm=_is_au),
    Beginning(mark=b"#!AMR\n", confirm=_always),
    Beginning(mark=b"#!AMR-WB\n", confirm=_always),
    Beginning(mark=b"caff\0\1\0\0", confirm=_always),
    Beginning(mark=b"riff\x2e\x91\xcf\x11", confirm=_always),
    Beginning(mark=b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", confirm=_always),
)
"""Long enough to occur in no other data: they are looked for in the midst of files."""


_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"RIFF", "WAV"),
    (b"RF64", "WAV"),
    (b"BW64", "WAV"),
    (b"FORM", "AIFF"),
    (b"OggS", "Ogg"),
    (b"fLaC", "FLAC"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (b"wvpk", "WavPack"),
    (b"#!AMR", "AMR"),
    (b"caff", "CAF"),
    (b"riff\x2e\x91\xcf\x11", "W64"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA"),
    (b".snd", "AU"),
)
_FORMS = {b"RIFF": (b"WAVE", b"AVI "), b"FORM": (b"AIFF", b"AIFC")}
"""Containers that hold pictures, too; these forms of them are recordings."""


def recording_kind(head: bytes) -> str | None:
    """Return which kind of recording begins with these bytes, of which there may be no more than the first four."""
    form = head[8:12]
    if any(head.startswith(mark) and form and form not in forms for mark, forms in _FORMS.items()):
        return None
    if head.startswith(b"RIFF") and form == b"AVI ":
        return "AVI"
    return next((kind for mark, kind in _KINDS if head.startswith(mark)), None)


def begins(head: bytes) -> bool:
    """Return whether a recording of one of these kinds begins with these bytes."""
    return any(head.startswith(each.mark, each.before) and each.confirm(head[:LOOKAHEAD_BYTES]) for each in BEGINNINGS)


def find_beginning(data: bytes, first: int = 0, end: int | None = None) -> int | None:
    """Return where the first recording begins that begins at ``first`` or later, and before ``end``."""
    best: int | None = None
    for each in BEGINNINGS:
        at = data.find(each.mark, first + each.before)
        while at >= 0 and (best is None or at - each.before < best):
            start = at - each.before
            if each.confirm(data[start : start + LOOKAHEAD_BYTES]):
                best = start
                break
            at = data.find(each.mark, at + 1)
    return best if best is not None and (end is None or best < end) else None


def is_raw_sound(head: bytes) -> bool:
    """Return whether a frame of MPEG audio or ADTS, or a tag before one, begins here."""
    if head[:3] == b"ID3":
        return True
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 -- the bits of ISO 11172-3, 2.4.2.3
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        return head[1] & 0xF0 == 0xF0 and head[2] >> 2 & 15 < 13  # noqa: PLR2004 -- ISO 13818-7, 6.2.1
    return version != 1 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3  # noqa: PLR2004 -- reserved values


FOREIGN: Mapping[str, str] = {
    "html": "a web page (HTML)",
    "xml": "an XML document",
    "json": "a JSON document",
    "playlist": "a playlist, which names recordings and holds none",
    "subtitles": "a text of subtitles",
    "text": "a text",
    "zeros": "nothing but zeros",
    "zip": "a ZIP archive or a document of an office program",
    "gzip": "an archive (gzip)",
    "rar": "an archive (RAR)",
    "7z": "an archive (7-Zip)",
    "pdf": "a PDF document",
    "png": "a picture (PNG)",
    "jpeg": "a picture (JPEG)",
    "gif": "a picture (GIF)",
    "heif": "a picture (HEIF)",
    "program": "a program",
    "midi": "notes without sound (MIDI)",
    "mac": "what a Mac keeps beside a file (AppleDouble), not the file itself",
}
"""Kinds of files that are no recordings, by a key, as part of a sentence."""

_FOREIGN_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"%PDF", "pdf"),
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"MThd", "midi"),
    (b"\x00\x05\x16\x07", "mac"),
    (b"#EXTM3U", "playlist"),
    (b"[playlist]", "playlist"),
    (b"ffconcat", "playlist"),
    (b"WEBVTT", "subtitles"),
)
_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?is)\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|title|h1|p|div|script)\b"), "html"),
    (re.compile(r"\s*<\?xml"), "xml"),
    (re.compile(r"\s*[{\[]"), "json"),
    (re.compile(r"\s*1\r?\n\d\d:\d\d:\d\d[,.]\d+ --> "), "subtitles"),
)


def foreign_kind(head: bytes, *, texts: bool = True) -> str | None:
    """Return the key in ``FOREIGN`` of what these first bytes of a file belong to."""
    for mark, kind in _FOREIGN_MARKS:
        if head.startswith(mark):
            return kind
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return "heif"
    if not texts:
        return None
    if head and not any(head):
        return "zeros"
    text = _as_text(head[:_TEXT_PROBE_BYTES])
    if text is None:
        return None
    return next((kind for pattern, kind in _TEXTS if pattern.match(text)), "text")


def _as_text(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = [head[: len(head) // 2 * 2].decode("utf-16", errors="replace")]
    else:
        # A character that the end cuts in two does not make it another coding.
        candidates = [head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace"), head.decode("latin-1")]
    return next((text for text in candidates if _is_readable(text)), None)


def _is_readable(text: str) -> bool:
    readable = all(character.isprintable() or character in "\r\n\t\f" for character in text)
    return bool(text) and readable and text[:-1].count("\N{REPLACEMENT CHARACTER}") == 0
