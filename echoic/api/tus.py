"""Headers that all answers to resumable uploads share, by tus 1.0.0: https://tus.io/protocols/resumable-upload."""

from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from echoic.api.auth import CallerDep
from echoic.api.bodies import in_utc
from echoic.api.problems import HANDLERS
from echoic.db.uploads.uploads import Upload
from echoic.errors import EchoicError, TusExtensionNotOffered, TusVersionUnsupported
from echoic.intake.upload_headers import CHECKSUM_ALGORITHMS

VERSION = "1.0.0"
EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "checksum",
    "expiration",
    "termination",
)
BYTES_TYPE = "application/offset+octet-stream"

_HEADERS: dict[str, Any] = {
    "Upload-Offset": "How many bytes are safe; the next ones belong there.",
    "Upload-Expires": "When an upload that receives nothing more is given up, with its bytes.",
    "Item-Id": "The item that the upload has become, once all its bytes were taken.",
}
PROGRESS: dict[str, Any] = {
    "description": "How far the upload has come.",
    "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
}
"""The headers of ``progress_headers``, for a route's ``responses``."""


async def check_protocol(
    request: Request,
    caller: CallerDep,  # noqa: ARG001 - strangers are told first that they are strangers
) -> None:
    """Raise TusVersionUnsupported or TusExtensionNotOffered before anything else is done.

    A client that is not refused would take it that its parts are joined, or that its checksum was looked at.
    """
    if request.method == "OPTIONS":
        return
    if request.headers.get("tus-resumable") != VERSION:
        raise TusVersionUnsupported
    if "upload-concat" in request.headers:
        raise TusExtensionNotOffered(_not_offered("concatenation", "Upload-Concat"))
    if "upload-checksum" in request.headers.get("trailer", "").lower():
        raise TusExtensionNotOffered(_not_offered("checksum-trailer", "Trailer: Upload-Checksum"))


def _not_offered(extension: str, header: str) -> str:
    return f"The extension '{extension}' (header {header}) is not offered; those that are: {', '.join(EXTENSIONS)}."


def described(*, body_required: bool | None = None, is_shared: bool = False) -> dict[str, Any]:
    """Return a route's ``openapi_extra``: the version, and a body of bytes, which is needed, optional, or absent (None).

    Without the version, a request that ``is_shared`` is one of the IETF's protocol (``ietf``).

    Neither is in a signature: a wrong version is 412 and a wrong body 415, where a framework would say 400.
    """
    version = {
        "name": "Tus-Resumable",
        "in": "header",
        "required": not is_shared,
        "description": "The version of tus." + (" Without it: the IETF's resumable uploads." if is_shared else ""),
        "schema": {"type": "string", "enum": [VERSION]},
    }
    extra: dict[str, Any] = {"parameters": [version]}
    if body_required is not None:
        content = {BYTES_TYPE: {"schema": {"type": "string", "format": "binary"}}}
        extra["requestBody"] = {"required": body_required, "content": content}
    return extra


class TusRoute(APIRoute):
    """A route that names the version in every answer, also in that of an error (section Core, Tus-Resumable)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_tus(request: Request) -> Response:
            try:
                answer = await handle(request)
            except EchoicError as error:
                answer = await HANDLERS[EchoicError](request, error)
            except RequestValidationError as error:
                answer = await HANDLERS[RequestValidationError](request, error)
            answer.headers["Tus-Resumable"] = VERSION
            if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
                answer.headers["Tus-Version"] = VERSION
            return answer

        return handle_tus


def server_headers(max_bytes: int) -> dict[str, str]:
    """Return the headers on the server's abilities (section Core, OPTIONS)."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUM_ALGORITHMS),
        "Tus-Max-Size": str(max_bytes),
    }


def progress_headers(upload: Upload) -> dict[str, str]:
    """Return the headers on an upload's offset, its expiry (section Expiration), and the item that it has become."""
    headers = {
        "Upload-Offset": str(upload.offset_bytes),
        "Upload-Expires": format_datetime(in_utc(upload.expires_at), usegmt=True),
    }
    if upload.item_id is not None:
        headers["Item-Id"] = str(upload.item_id)
    return headers


def description_headers(upload: Upload) -> dict[str, str]:
    """Return the headers that were given when an upload was made, as HEAD repeats them (sections Core and Creation)."""
    headers = {"Cache-Control": "no-store"}
    if upload.size_bytes is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.size_bytes)
    if upload.given_metadata:
        headers["Upload-Metadata"] = upload.given_metadata
    return headers
