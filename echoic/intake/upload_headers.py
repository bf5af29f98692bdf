"""Headers of resumable uploads, by the tus protocol: https://tus.io/protocols/resumable-upload. Pure."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from echoic.errors import ChecksumMismatch, FieldInvalid, FieldNotUtf8
from echoic.intake.fields import FileMetadata, form_metadata
from echoic.intake.file_names import base_name, fault_of_name

CHECKSUM_ALGORITHMS = ("sha1", "sha256")
WHEN_ABANDONED = "when_abandoned"
KEEP = "keep"
KEPT_KEYS = (
    WHEN_ABANDONED,
    *("filename", "name", "filetype", "type", "fileType", "contentType", "content-type", "size", "fingerprint"),
    *("relativePath", "lastModified"),
)
"""Pairs that the usual clients send of every file, for themselves."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


_NEW_DIGESTS: Mapping[str, Callable[[], _Digest]] = {
    # The protocol makes sha1 mandatory; it finds damage, and is no protection against anybody.
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}


@dataclass(frozen=True, slots=True)
class Checksum:
    """The checksum that the bytes of one request must have; feed it all of them, then check."""

    expected: bytes
    _digest: _Digest = field(repr=False)

    def update(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._digest.update(chunk)

    def check(self) -> None:
        """Raise ChecksumMismatch where the bytes were others."""
        if self._digest.digest() != self.expected:
            raise ChecksumMismatch


def parse_metadata(header: str | None) -> dict[str, str]:
    """The pairs in ``Upload-Metadata``, by the section Creation: ``key base64,key base64``, a value may be missing.

    Raises FieldInvalid, and FieldNotUtf8 for a value that is no text.
    """
    found: dict[str, str] = {}
    for pair in (header or "").split(",") if header and header.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        if not (key.isascii() and key.isprintable()) or not key or key in found:
            raise FieldInvalid("The header Upload-Metadata has a key that is empty, not ASCII, or there twice.")
        try:
            found[key] = base64.b64decode(encoded.strip(), validate=True).decode()
        except binascii.Error as error:
            raise FieldInvalid(f"The value of '{key[:40]}' in the header Upload-Metadata is not base64.") from error
        except UnicodeDecodeError as error:
            raise FieldNotUtf8(f"The value of '{key[:40]}' in the header Upload-Metadata is not UTF-8.") from error
    return found


def describe(header: str | None) -> FileMetadata:
    """Return what ``Upload-Metadata`` says of the file.

    ``filename`` is needed; ``title``, ``description`` and ``sha256`` mean what they mean in a form. Other pairs are kept
    for the client and mean nothing here; a notice names those that the usual clients do not send. Raises what
    ``parse_metadata`` and ``form_metadata`` raise.
    """
    fields = parse_metadata(header)
    file_name = base_name(fields.get("filename", ""))
    if not file_name:
        raise FieldInvalid("The header Upload-Metadata must hold the 'filename'; its extension says what the file is.")
    if (fault := fault_of_name(file_name)) is not None:
        raise FieldInvalid(f"The 'filename' in the header Upload-Metadata {fault}.")
    return form_metadata(file_name, fields, kept=KEPT_KEYS)


def keeps_abandoned(header: str | None, *, is_deferred: bool) -> bool:
    """Return whether ``Upload-Metadata`` asks that what arrives becomes an item even where the upload is never taken up again.

    Raises FieldInvalid for a value other than ``keep``, and where the length of the upload is known: half of a file is
    no file, while a recording that goes up while it runs has no other end than its last byte.
    """
    asked = parse_metadata(header).get(WHEN_ABANDONED)
    if asked is None:
        return False
    if asked != KEEP:
        raise FieldInvalid(f"The value of '{WHEN_ABANDONED}' in the header Upload-Metadata must be '{KEEP}'.")
    if not is_deferred:
        raise FieldInvalid(f"'{WHEN_ABANDONED}' needs the header Upload-Defer-Length: 1.")
    return True


def parse_checksum(header: str | None) -> Checksum | None:
    """``Upload-Checksum``, by the section Checksum: an algorithm and the digest in base64. Raises FieldInvalid."""
    if header is None:
        return None
    name, _, encoded = header.strip().partition(" ")
    if name.lower() not in _NEW_DIGESTS:
        raise FieldInvalid(f"The header Upload-Checksum must begin with one of: {', '.join(CHECKSUM_ALGORITHMS)}.")
    try:
        expected = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error as error:
        raise FieldInvalid("The digest in the header Upload-Checksum is not base64.") from error
    return Checksum(expected, _NEW_DIGESTS[name.lower()]())
