"""An upload that comes again: its body is read and compared with the first, and nothing is stored or fetched."""

import hashlib

from echoic.errors import DigestMismatch
from echoic.intake.body import Body, Cap
from echoic.intake.fields import FileMetadata, form_metadata, parse_sha256, parse_url_request
from echoic.intake.idempotency import FirstAnswer
from echoic.intake.multipart import FilePart, read_form


class _Hashed:
    """A sink that keeps only the digest."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    async def write(self, chunk: bytes) -> None:
        self.digest.update(chunk)


async def compare_form(first: FirstAnswer, body: Body, content_type: str, *, cap: Cap) -> FileMetadata:
    """Read a form. Raises IdempotencyKeyReused where it is not the first one's, and what ``read_form`` raises."""
    hashed = _Hashed()

    async def open_sink(_: FilePart) -> _Hashed:
        return hashed

    form = await read_form(body, content_type, cap=cap, open_sink=open_sink)
    sha256 = hashed.digest.hexdigest()
    if parse_sha256(form.fields.get("sha256")) not in (None, sha256):
        raise DigestMismatch("The SHA-256 of the file is not the one that the upload gives.")
    metadata = form_metadata(form.file.file_name, form.fields)
    first.require_same(metadata, sha256)
    return metadata


async def compare_url(first: FirstAnswer, body: Body) -> FileMetadata:
    """Read a JSON body. Raises IdempotencyKeyReused where it asks another thing, and what ``parse_url_request`` does."""
    request = parse_url_request(await body.read())
    first.require_same(request.metadata, request.sha256)
    return request.metadata
