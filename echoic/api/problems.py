"""Errors on their way out: the one table from families to statuses, and the one body that every failure has.

Texts of unexpected errors never reach the client: it gets the request's id, the log has the rest.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match, Route

from echoic import errors, wording
from echoic.api.patterns import WORDS
from echoic.errors import EchoicError, FieldInvalid
from echoic.logs import get_logger

STATUSES: Mapping[type[EchoicError], int] = {
    errors.InvalidInput: 400,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.PreconditionUnmet: 412,
    errors.RequestTooSlow: 408,
    errors.LimitExceeded: 413,
    errors.UrlTooLong: 414,
    errors.UnsupportedMedia: 415,
    errors.RangeNotSatisfiable: 416,
    errors.SourceUnusable: 422,
    errors.Busy: 423,
    errors.TooManyRequests: 429,
    errors.HeadTooLarge: 431,
    errors.ContentDamaged: 460,
    errors.Unavailable: 503,
    # These are raised where no request is at hand; one that still gets here is our fault.
    errors.StageFailed: 500,
    errors.StartupFailed: 500,
    errors.BackupFailed: 500,
}
TITLES: Mapping[int, str] = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    429: "Rate Limited",
    460: "Checksum Mismatch",
}
"""Names of statuses that Python spells differently from version to version, that only tus has, or that clients know."""
NEEDED_PARTS = (errors.DatabaseUnavailable, errors.StorageUnavailable)
HEADERS: Mapping[type[EchoicError], Mapping[str, str]] = {
    errors.NotAuthenticated: {"WWW-Authenticate": "Bearer"},
    errors.ContentEncodingUnsupported: {"Accept-Encoding": "identity"},
}
"""Headers of answers to errors, by RFC 9110, sections 15.5.2 and 15.5.16."""
RETRY_AFTER_SECONDS = 5
"""Seconds to come back after, with a 503: about what a database needs to start again."""
MAX_NAMED_FIELDS = 5
MAX_METHOD_CHARACTERS = 20
ABSENT: Mapping[str, type[errors.NotFound]] = {
    "slug": errors.LibraryNotFound,
    "dataset_id": errors.DatasetNotFound,
    "item_id": errors.ItemNotFound,
    "speaker_id": errors.SpeakerNotFound,
    "label": errors.SpeakerNotFound,
    "account_id": errors.AccountNotFound,
    "key_id": errors.KeyNotFound,
    "session_id": errors.SessionNotFound,
    "invitation_id": errors.InvitationNotFound,
    "program_id": errors.ProgramNotFound,
    "token": errors.UploadLinkNotFound,
    "share_id": errors.ShareNotFound,
    "moment": errors.ShareNotFound,
    "position": errors.SegmentNotFound,
    "number": errors.VersionNotFound,
}
"""The error for a missing thing, by the name of its id in a path."""

INTERNAL_MESSAGE = "The server failed on this request; its log has the details under the request's id."
STOPPING_MESSAGE = "The server is stopping and could not finish this request; send it again in a few seconds."
NO_ENDPOINT_MESSAGE = "There is no such endpoint; /docs lists those there are."

logger = get_logger(__name__)


class Problem(BaseModel):
    """Why a request failed."""

    error: str = Field(description="Name of the kind of failure, as of the status.", examples=["Not Found"])
    message: str = Field(description="The fault, in a sentence for people.", examples=["Item not found."])
    code: str = Field(description="The fault, stable and for programs.", examples=["item_not_found"])
    request_id: str = Field(description="Under which the server's log tells more; also in the header X-Request-ID.")
    retry_after: int | None = Field(default=None, description="Seconds after which trying again makes sense.")


def status_of(error: EchoicError) -> int:
    """The status of the error's family."""
    return next(status for family, status in STATUSES.items() if isinstance(error, family))


def title_of(status: int) -> str:
    """The status in words."""
    return TITLES.get(status) or HTTPStatus(status).phrase


def public_code(error: EchoicError) -> str:
    """The error's own code; but one for all parts that every request needs, for which is away is no client's matter."""
    return errors.Unavailable.code if isinstance(error, NEEDED_PARTS) else error.code


def problem(
    request: Request,
    *,
    status: int,
    code: str,
    message: str,
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> JSONResponse:
    """The answer to a request that failed; ``more`` is for fields that one endpoint adds."""
    body = Problem(
        error=title_of(status),
        message=message,
        code=code,
        request_id=request.state.request_id,
        retry_after=retry_after,
    )
    request.state.refusal = (code, message)  # for the log line
    sent = dict(headers or {})
    if retry_after is not None:
        sent["Retry-After"] = str(retry_after)
    return JSONResponse(body.model_dump(exclude_none=True) | dict(more or {}), status_code=status, headers=sent)


def internal_problem(request: Request) -> JSONResponse:
    """The answer where something unexpected went wrong."""
    return problem(request, status=500, code="internal_error", message=INTERNAL_MESSAGE)


def stopping_problem(request: Request) -> JSONResponse:
    """The answer to a request that the server had not finished when it was told to stop."""
    error = errors.Unavailable(STOPPING_MESSAGE)
    return problem(
        request,
        status=status_of(error),
        code=error.code,
        message=error.message,
        retry_after=RETRY_AFTER_SECONDS,
        headers={"Connection": "close"},
    )


def range_problem(request: Request, error: errors.RangeNotSatisfiable, *, size: int) -> JSONResponse:
    """The answer to a range beyond the end of so many bytes (RFC 9110, section 15.5.17)."""
    headers = {"Content-Range": f"bytes */{size}"}
    return problem(request, status=status_of(error), code=error.code, message=error.message, headers=headers)


def validation_message(found: Sequence[Mapping[str, Any]]) -> str:
    """Each field that is wrong with what is allowed, from the errors of pydantic."""
    # A client that sent a parameter need not be told that it may be left out.
    found = [error for error in found if error["type"] != "none_required"]
    named = [_named(error["loc"], f"{wording.sentence(error, WORDS)}.") for error in found[:MAX_NAMED_FIELDS]]
    if len(found) > MAX_NAMED_FIELDS:
        named.append(f"and {len(found) - MAX_NAMED_FIELDS} more.")
    return " ".join(named)


async def _on_echoic_error(request: Request, error: EchoicError) -> JSONResponse:
    status = status_of(error)
    retry_after = error.retry_after_seconds
    if _passes(error):
        logger.warning("part_unavailable", code=error.code, cause=repr(error.__cause__))
        retry_after = retry_after or RETRY_AFTER_SECONDS
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        # Raised where a request should not get; treated as the unexpected error it is.
        raise RuntimeError(f"An error without a place in the API: {error.code}") from error
    return problem(
        request,
        status=status,
        code=public_code(error),
        message=error.message,
        retry_after=retry_after,
        headers=next((headers for kind, headers in HEADERS.items() if isinstance(error, kind)), None),
        more=error.details,
    )


async def _on_validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    for one in error.errors():
        if one["loc"][0] == "path":  # what cannot be an id is the id of nothing
            absent = ABSENT.get(str(one["loc"][1]), errors.NotFound)
            return await _on_echoic_error(request, absent())
    return await _on_echoic_error(request, FieldInvalid(validation_message(error.errors())))


async def _on_http_error(request: Request, error: HTTPException) -> JSONResponse:
    """Answer the requests that the framework refuses by itself: those with unknown paths and methods."""
    headers = dict(error.headers or {})
    message = f"{error.detail}."
    if error.status_code == HTTPStatus.NOT_FOUND:
        message = NO_ENDPOINT_MESSAGE
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods_of_path(request)):
        headers["Allow"] = ", ".join(methods)
        message = (
            f"The method {request.method[:MAX_METHOD_CHARACTERS]} is not allowed here; allowed: {headers['Allow']}."
        )
    return problem(
        request,
        status=error.status_code,
        code=HTTPStatus(error.status_code).name.lower(),
        message=message,
        headers=headers,
    )


def _methods_of_path(request: Request) -> list[str]:
    """All methods of the resource, where the framework knows but those of one of its routes."""
    routes: Sequence[Route] = request.app.state.routes
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in matching for method in route.methods or ()})


HANDLERS: Mapping[int | type[Exception], Any] = {
    EchoicError: _on_echoic_error,
    RequestValidationError: _on_validation_error,
    HTTPException: _on_http_error,
}


def _passes(error: EchoicError) -> bool:
    return isinstance(error, errors.Unavailable) and error.retryable


def _named(location: Sequence[int | str], sentence: str) -> str:
    """The sentence after ``filters.items[0]``; where that came in (query, path, body) is no part of the name."""
    # After the name of a header or parameter stand the kind of value that it was tried as, and places in a list that
    # nobody wrote as a list.
    names = list(location[:2] if location[0:1] in (("header",), ("query",)) else location)
    if len(names) > 1 and names[0] in ("query", "path", "header", "body"):
        del names[0]
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in names).removeprefix(".")
    return f"{name}: {sentence}" if name else f"{sentence[:1].upper()}{sentence[1:]}"
