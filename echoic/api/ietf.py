"""Requests of the IETF's resumable uploads told from those of tus, and the headers and refusals that their answers share.

The draft is https://datatracker.ietf.org/doc/draft-ietf-httpbis-resumable-upload/; its interop versions tell its forms
apart until it is an RFC, which is spoken without a version. Interim answers (104) are optional and are not sent.
"""

import base64
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from echoic.api.auth import CallerDep
from echoic.api.context import components_of
from echoic.api.problems import HANDLERS
from echoic.db.uploads.uploads import Upload
from echoic.errors import (
    EchoicError,
    FieldInvalid,
    UploadCompleted,
    UploadLengthInconsistent,
    UploadOffsetMismatch,
)
from echoic.intake.body import media_type

PIECE_TYPE = "application/partial-upload"
PROBLEM_TYPE = "application/problem+json"
VERSION_HEADER = "Upload-Draft-Interop-Version"
VERSIONS = ("5", "6", "7", "8")
"""Of drafts -03; -04 and -05; -06 to -08; -09 and later."""
WITHOUT_LIMITS, WITH_EXPIRES, WITHOUT_PIECE_TYPE = "5", "6", "5"
"""Versions whose answers say no limits, that call the limit of time ``expires``, and whose pieces have no media type."""
MIN_BYTES = 1
"""An empty file is no recording."""
PROBLEMS = "https://iana.org/assignments/http-problem-types#"

STATE: dict[str, Any] = {
    "description": "Where the upload stands.",
    "headers": {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in (
            ("Upload-Complete", "`?1` once the upload is an item, which `Item-Id` names; until then `?0`."),
            ("Upload-Offset", "How many bytes are safe; the next ones belong there."),
            ("Upload-Length", "Of the whole upload, once it is known."),
            ("Upload-Limit", "What an upload may have: `max-size` and `min-size` in bytes, `max-age` in seconds."),
            ("Item-Id", "The item that the upload has become."),
        )
    },
}


def speaks_ietf(scope: Scope) -> bool:
    """Return whether a request is of the IETF's protocol; tus names its version in every request but OPTIONS."""
    headers = Headers(scope=scope)
    if "tus-resumable" in headers:
        return False
    if "upload-complete" in headers or VERSION_HEADER in headers or scope["method"] in ("GET", "HEAD", "DELETE"):
        return True
    return media_type(headers.get("content-type", "")) == PIECE_TYPE


async def check_version(
    request: Request,
    caller: CallerDep,  # noqa: ARG001 - strangers are told first that they are strangers
) -> None:
    """Raise FieldInvalid for a version whose headers have other names."""
    version = request.headers.get(VERSION_HEADER)
    if version is not None and version.isdigit() and int(version) < int(VERSIONS[0]):
        raise FieldInvalid(f"The header {VERSION_HEADER} must be one of {', '.join(VERSIONS)}, or be left out.")


class IetfRoute(APIRoute):
    """A route for requests of the IETF's protocol alone, whose refusals have the problem types of the draft."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found, child = super().matches(scope)
        return (found, child) if found is not Match.NONE and speaks_ietf(scope) else (Match.NONE, {})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_ietf(request: Request) -> Response:
            try:
                answer = await handle(request)
            except EchoicError as error:
                answer = _typed(await HANDLERS[EchoicError](request, error), error)
                await _add_limit(request, answer)
            except RequestValidationError as error:
                answer = await HANDLERS[RequestValidationError](request, error)
            if (version := request.headers.get(VERSION_HEADER)) in VERSIONS:
                answer.headers[VERSION_HEADER] = version
            return answer

        return handle_ietf


def state_headers(request: Request, upload: Upload) -> dict[str, str]:
    """Return the headers on where an upload stands, and the item that it has become."""
    headers = {
        "Upload-Complete": "?0" if upload.item_id is None else "?1",
        "Upload-Offset": str(upload.offset_bytes),
        "Cache-Control": "no-store",
    }
    if upload.size_bytes is not None:
        headers["Upload-Length"] = str(upload.size_bytes)
    if upload.item_id is not None:
        headers["Item-Id"] = str(upload.item_id)
    left = max(int((upload.expires_at - datetime.now(UTC)).total_seconds()), 0)
    return headers | limit_headers(request, upload.max_bytes, seconds=left)


def limit_headers(request: Request, max_bytes: int, *, seconds: int | None = None) -> dict[str, str]:
    """Return the header on the limits of an upload, in the form of the request's version."""
    version = request.headers.get(VERSION_HEADER)
    if version == WITHOUT_LIMITS:
        return {}
    limits = [f"max-size={max_bytes}", f"min-size={MIN_BYTES}"]
    if seconds is not None:
        limits.append(f"{'expires' if version == WITH_EXPIRES else 'max-age'}={seconds}")
    return {"Upload-Limit": ", ".join(limits)}


def digest_header(sha256: str) -> dict[str, str]:
    """Return the digest of a whole file (RFC 9530) that is given in hexadecimal."""
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"}


def _typed(answer: Response, error: EchoicError) -> Response:
    """Add the type of the draft to a refusal (RFC 9457); its other fields are those of every refusal."""
    match error:
        case UploadOffsetMismatch():
            kind, title = "mismatching-upload-offset", "The upload stands at another offset"
            more = {"expected-offset": error.expected, "provided-offset": error.provided}
            answer.headers["Upload-Offset"] = str(error.expected)
        case UploadLengthInconsistent():
            kind, title, more = "inconsistent-upload-length", "The length of the upload is another", {}
        case UploadCompleted():
            kind, title, more = "completed-upload", "The upload is complete", {}
        case _:
            return answer
    body = {
        "type": PROBLEMS + kind,
        "title": title,
        "status": answer.status_code,
        **json.loads(bytes(answer.body)),
        **more,
    }
    kept = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    return Response(json.dumps(body), answer.status_code, kept, PROBLEM_TYPE)


async def _add_limit(request: Request, answer: Response) -> None:
    if answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and hasattr(request.state, "caller"):
        dataset_id = int(request.path_params["dataset_id"])
        most = await components_of(request).intake.resumable.max_bytes(request.state.caller, dataset_id)
        answer.headers.update(limit_headers(request, most))
