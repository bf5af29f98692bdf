"""Errors in OpenAI's shape: the one table from families to statuses and types at this door."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from echoic import errors, wording
from echoic.errors import EchoicError
from echoic.logs import get_logger

RETRY_AFTER_SECONDS = 5
"""Seconds to come back after, with a 503: about what a database needs to start again."""
INTERNAL_MESSAGE = "The server failed on this request; its log has the details under the request's id."
STOPPING_MESSAGE = "The server is stopping and could not finish this request; send it again in a few seconds."
DECEMBER = 12
MAX_METHOD_CHARACTERS = 20
MAX_PATH_CHARACTERS = 100

logger = get_logger(__name__)


class Kind(NamedTuple):
    """The status of a family of errors, and OpenAI's word for its type."""

    status: int
    type: str


INVALID = Kind(400, "invalid_request_error")
QUOTA = Kind(429, "insufficient_quota")
FAILED = Kind(500, "server_error")
KINDS: Mapping[type[EchoicError], Kind] = {
    # Of stages, those for which the file or the request is at fault.
    errors.MediaUnreadable: INVALID,
    errors.MediaTooLong: INVALID,
    errors.MediaLimitHit: INVALID,
    errors.LanguageUnsupported: INVALID,
    errors.QuotaExhausted: QUOTA,
    errors.StorageExhausted: QUOTA,
    errors.InvalidInput: INVALID,
    errors.UnsupportedMedia: INVALID,
    errors.NotAuthenticated: Kind(401, "invalid_request_error"),
    errors.NotAllowed: Kind(403, "permission_error"),
    errors.NotFound: Kind(404, "invalid_request_error"),
    errors.RequestTooSlow: Kind(408, "invalid_request_error"),
    errors.Gone: Kind(410, "invalid_request_error"),
    errors.Conflict: Kind(409, "conflict_error"),
    errors.Busy: Kind(409, "conflict_error"),
    errors.LimitExceeded: Kind(413, "invalid_request_error"),
    errors.TooManyRequests: Kind(429, "rate_limit_error"),
    errors.Unavailable: Kind(503, "server_error"),
    errors.StageFailed: FAILED,
}
CODES: Mapping[type[EchoicError], str] = {
    errors.NotAuthenticated: "invalid_api_key",
    errors.QuotaExhausted: "insufficient_quota",
    errors.StorageExhausted: "insufficient_quota",
    errors.TooManyRequests: "rate_limit_exceeded",
    errors.DatabaseUnavailable: errors.Unavailable.code,
    errors.StorageUnavailable: errors.Unavailable.code,
}
"""OpenAI's codes, where it has one for what happened; else the code is ours."""


class Fault(BaseModel):
    """A failure, in OpenAI's words."""

    message: str = Field(description="The fault, in a sentence for people.", examples=["The file holds no audio."])
    type: str = Field(description="The kind of failure.", examples=["invalid_request_error"])
    param: str | None = Field(description="The field that is wrong, where it is one.", examples=["response_format"])
    code: str | None = Field(description="The fault, stable and for programs.", examples=["not_audio"])


class OpenAiError(BaseModel):
    """The answer to a request that failed, in OpenAI's shape."""

    error: Fault


def invalid(param: str, message: str) -> errors.FieldInvalid:
    """Return the error for a field that is wrong."""
    error = errors.FieldInvalid(message)
    error.details = {"param": param}
    return error


def kind_of(error: EchoicError) -> Kind:
    """Return status and type of an error."""
    return next((kind for family, kind in KINDS.items() if isinstance(error, family)), FAILED)


def fault_of(error: EchoicError) -> Fault:
    """Return what an answer says of an error."""
    param = error.details.get("param")
    return Fault(
        message=error.message,
        type=kind_of(error).type,
        param=param if isinstance(param, str) else None,
        code=next((code for family, code in CODES.items() if isinstance(error, family)), error.code),
    )


def answer_to(request: Request, error: EchoicError) -> JSONResponse:
    """Return the answer to a request that failed.

    OpenAI's clients send a request again after 409, 429 and 5xx unless ``x-should-retry`` says that nothing would change.
    """
    status = kind_of(error).status
    headers: dict[str, str] = {}
    if isinstance(error, errors.NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.StageFailed | errors.QuotaExhausted | errors.StorageExhausted):
        headers["x-should-retry"] = "false"
    retry_after = error.retry_after_seconds
    if isinstance(error, errors.Unavailable):
        logger.warning("part_unavailable", code=error.code, cause=repr(error.__cause__))
        retry_after = retry_after or RETRY_AFTER_SECONDS
    elif isinstance(error, errors.QuotaExhausted):
        retry_after = _seconds_to_next_month()
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return _answer(request, status, fault_of(error), headers)


def internal_answer(request: Request) -> JSONResponse:
    """Return the answer where something unexpected went wrong."""
    fault = Fault(message=INTERNAL_MESSAGE, type=FAILED.type, param=None, code="internal_error")
    return _answer(request, FAILED.status, fault, {})


def stopping_answer(request: Request) -> JSONResponse:
    """Return the answer to a request that the server had not finished when it was told to stop."""
    return answer_to(request, errors.Unavailable(STOPPING_MESSAGE))


def unknown_answer(
    request: Request, status: int, routes: Sequence[str], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer to a path or a method that no route has; ``routes`` are those there are, as ``GET /v1/models``."""
    asked = f"{request.method[:MAX_METHOD_CHARACTERS]} {request.url.path[:MAX_PATH_CHARACTERS]}"
    code = "method_not_supported" if status == HTTPStatus.METHOD_NOT_ALLOWED else "unknown_url"
    message = f"There is no route {asked}; there are {', '.join(routes)}."
    return _answer(request, status, Fault(message=message, type=INVALID.type, param=None, code=code), headers or {})


class OpenAiRoute(APIRoute):
    """A route whose every failure is answered in OpenAI's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            request.state.internal_answer = internal_answer  # these two for what surrounds the route
            request.state.stopping_answer = stopping_answer
            try:
                return await handle(request)
            except EchoicError as error:
                return answer_to(request, error)
            except RequestValidationError as error:
                return answer_to(request, _of_parameters(error))
            except HTTPException as error:
                fault = Fault(message=f"{error.detail}.", type=INVALID.type, param=None, code="unknown_url")
                return _answer(request, error.status_code, fault, dict(error.headers or {}))

        return handled


def _answer(request: Request, status: int, fault: Fault, headers: Mapping[str, str]) -> JSONResponse:
    request.state.refusal = (fault.code, fault.message)  # for the log line
    return JSONResponse({"error": fault.model_dump()}, status_code=status, headers=dict(headers))


def _of_parameters(error: RequestValidationError) -> EchoicError:
    first = error.errors()[0]
    name = str(first["loc"][-1])
    return invalid(name, f"{name}: {wording.sentence(first, {})}.")


def _seconds_to_next_month() -> int:
    now = datetime.now(UTC)
    year, month = (now.year + 1, 1) if now.month == DECEMBER else (now.year, now.month + 1)
    return int((datetime(year, month, 1, tzinfo=UTC) - now).total_seconds()) + 1
