"""Headers of resumable uploads by the IETF's draft: https://datatracker.ietf.org/doc/draft-ietf-httpbis-resumable-upload/. Pure.

Numbers and truth values are structured fields (RFC 9651, sections 3.3.1 and 3.3.6).
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from echoic.errors import AudioEmpty, FieldInvalid, UploadLengthInconsistent
from echoic.intake.body import ContentDigest, declared_bytes, parse_digests
from echoic.intake.multipart import disposition_name
from echoic.intake.upload_headers import parse_metadata
from echoic.intake.upload_heads import UploadPiece

MAX_DIGITS = 15
HOW_TO_NAME = (
    "Name the file, its extension says what it is: Content-Disposition: inline; filename=\"interview.wav\", or a 'filename' "
    "in Upload-Metadata."
)
_BOOLEANS = {"?0": False, "?1": True}
_NUMBER = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}")

Sent = Mapping[str, str]
"""The headers of a request by their names in small letters; one that is there several times is joined by commas."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Creation:
    """The request that begins an upload, and the piece that its body is."""

    size_bytes: int | None
    given_metadata: str
    piece: UploadPiece


def read_creation(sent: Sent) -> Creation:
    """Read the headers of the request that begins an upload.

    Raises FieldInvalid, FieldNotUtf8, UploadLengthInconsistent, and AudioEmpty for an upload that ends without a byte.
    """
    piece = _piece(sent, offset_bytes=0)
    if piece.is_last and piece.declared_bytes == 0:
        raise AudioEmpty
    return Creation(size_bytes=piece.upload_bytes, given_metadata=_metadata(sent), piece=piece)


def read_piece(sent: Sent) -> UploadPiece:
    """Read the headers of a request that adds bytes. Raises FieldInvalid and UploadLengthInconsistent."""
    offset_bytes = _number(sent, "Upload-Offset")
    if offset_bytes is None:
        raise FieldInvalid("Send the header Upload-Offset.")
    return _piece(sent, offset_bytes=offset_bytes)


def _piece(sent: Sent, *, offset_bytes: int) -> UploadPiece:
    is_last = _BOOLEANS.get(_bare(sent.get("upload-complete", "")))
    if is_last is None:
        raise FieldInvalid("The header Upload-Complete must be ?0, where more follows, or ?1, where the upload ends.")
    declared = declared_bytes(sent.get("content-length"))
    if declared is None and "transfer-encoding" not in sent:
        declared = 0
    given = _number(sent, "Upload-Length")
    implied = offset_bytes + declared if is_last and declared is not None else None
    if given is not None and implied not in (None, given):
        raise UploadLengthInconsistent(
            f"By this request the upload ends at {implied}, and by Upload-Length at {given}."
        )
    digest = ContentDigest.parse(sent.get("content-digest", ""))
    return UploadPiece(
        offset_bytes=offset_bytes,
        declared_bytes=declared,
        upload_bytes=implied if given is None else given,
        checksum=None if digest.is_empty else digest,
        is_last=is_last,
    )


def _number(sent: Sent, name: str) -> int | None:
    text = sent.get(name.lower())
    if text is None:
        return None
    if not _NUMBER.fullmatch(_bare(text)):
        raise FieldInvalid(f"The header {name} must be a whole number of at most {MAX_DIGITS} digits.")
    return int(_bare(text))


def _bare(item: str) -> str:
    """Return an item without its parameters, which mean nothing here."""
    return item.partition(";")[0].strip(" ")


def _metadata(sent: Sent) -> str:
    """Return what is said of the file in the form of tus, in which it is kept with the upload."""
    pairs = parse_metadata(sent.get("upload-metadata"))
    if name := disposition_name(sent.get("content-disposition", "")):
        pairs["filename"] = name
    if not pairs.get("filename"):
        raise FieldInvalid(HOW_TO_NAME)
    digest = parse_digests("Repr-Digest", sent.get("repr-digest", "")).get("sha-256")
    if digest is not None and pairs.setdefault("sha256", digest.hex()).lower() != digest.hex():
        raise FieldInvalid("The 'sha256' in Upload-Metadata is not the one in Repr-Digest.")
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
