"""Zip files of transcripts: several formats of one as a whole, or many transcripts in pieces as they are written."""

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""The time of files that belong to no moment; zip knows no earlier time."""


def pack(files: Mapping[str, str | bytes], made_at: datetime = EARLIEST) -> bytes:
    """Return a zip file of these names and contents, all of one time; text is written in UTF-8."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(_entry(name, made_at), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _entry(name: str, made_at: datetime) -> zipfile.ZipInfo:
    """Return the head of a file. Zip has no time zones: the time is written in UTC, the same on every server."""
    return zipfile.ZipInfo(name, max(made_at, EARLIEST).astimezone(UTC).timetuple()[:6])


class StreamedArchive:
    """A zip file that is handed out while it is made: what was handed out is kept no longer, but for the names."""

    def __init__(self) -> None:
        self._out = _Pieces()
        self._archive = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)

    def add(self, name: str, content: str | bytes, made_at: datetime) -> bytes:
        """Add a file and return what the archive has grown by; text is written in UTF-8."""
        self._archive.writestr(_entry(name, made_at), content, zipfile.ZIP_DEFLATED)
        return self._out.taken()

    def end(self) -> bytes:
        """Return the last piece, which lists all files."""
        self._archive.close()
        return self._out.taken()


class _Pieces(io.RawIOBase):
    """Keeps what is written until it is taken; nothing can be written to again."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        written = bytes(data)
        self._kept += written
        return len(written)

    def taken(self) -> bytes:
        piece, self._kept = bytes(self._kept), bytearray()
        return piece
