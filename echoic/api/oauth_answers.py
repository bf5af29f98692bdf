"""Requests and answers of the authorization server: forms, and its shape of errors."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse

from echoic.api.context import components_of
from echoic.api.problems import RETRY_AFTER_SECONDS, status_of
from echoic.errors import (
    EchoicError,
    InvalidClient,
    InvalidClientMetadata,
    InvalidRequest,
    RequestTooLarge,
    Unavailable,
)
from echoic.intake.body import Body as RequestBody, Cap, media_type
from echoic.logs import get_logger
from echoic.oauth.clients import Credentials

MAX_BODY_BYTES = 65_536
MAX_FIELDS = 50
FORM = "application/x-www-form-urlencoded"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
PROTOCOL_CODES = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}
    | {
        "unsupported_response_type",
        "invalid_scope",
        "invalid_target",
        "invalid_redirect_uri",
        "invalid_client_metadata",
    }
)
UNAVAILABLE = "temporarily_unavailable"

logger = get_logger(__name__)


def answered(fields: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] = NO_STORE) -> JSONResponse:
    """The answer of the protocol, which nobody keeps unless ``headers`` say otherwise."""
    return JSONResponse(dict(fields), status_code=status, headers=dict(headers))


def refused(request: Request, error: EchoicError, *, otherwise: str) -> JSONResponse:
    """The answer to a failure, in the shape of RFC 6749, section 5.2; ``otherwise`` is the code of errors of other parts."""
    status = status_of(error)
    headers = dict(NO_STORE)
    retry_after = error.retry_after_seconds or (RETRY_AFTER_SECONDS if isinstance(error, Unavailable) else None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if isinstance(error, InvalidClient):
        headers["WWW-Authenticate"] = 'Basic realm="Echoic", charset="UTF-8"'
    if isinstance(error, Unavailable):
        logger.warning("part_unavailable", code=error.code, cause=repr(error.__cause__))
    code = error.code if error.code in PROTOCOL_CODES else (otherwise if retry_after is None else UNAVAILABLE)
    request.state.refusal = (error.code, error.message)  # for the log line
    return answered({"error": code, "error_description": error.message}, status=status, headers=headers)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; those without a value are left out.

    Raises InvalidRequest for another kind of body and for a field that is there twice.
    """
    if media_type(request.headers.get("content-type", "")) != FORM:
        raise InvalidRequest(f"The body must be a form: Content-Type: {FORM}.")
    try:
        text = (await _body(request)).decode("utf-8")
        pairs = parse_qsl(text, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:  # UnicodeDecodeError is one
        raise InvalidRequest("The form is not UTF-8, or has too many fields.") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidRequest("A field of the form is there more than once.")
    return fields


async def read_description(request: Request) -> dict[str, Any]:
    """Return the JSON object of a registration. Raises InvalidClientMetadata."""
    try:
        fields = json.loads(await _body(request))
    except (ValueError, RecursionError) as error:
        raise InvalidClientMetadata("The body is no JSON.") from error
    if not isinstance(fields, dict):
        raise InvalidClientMetadata("The body is no JSON object.")
    return fields


def credentials(request: Request, fields: Mapping[str, str]) -> Credentials:
    """Return by what a client says who it is: the header of RFC 6749, section 2.3.1, or the form.

    Raises InvalidRequest where both do, and InvalidClient where neither does.
    """
    header = request.headers.get("authorization")
    if header is None:
        if "client_id" not in fields:
            raise InvalidClient("The request names no client_id.")
        return Credentials(client_id=fields["client_id"], secret=fields.get("client_secret"))
    scheme, _, encoded = header.partition(" ")
    try:
        told = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidClient("The header Authorization cannot be read.") from error
    client_id, sign, secret = (unquote_plus(part) for part in told.partition(":"))
    if scheme.lower() != "basic" or not sign:
        raise InvalidClient("The header Authorization must be Basic, with client_id and secret.")
    if "client_secret" in fields or fields.get("client_id", client_id) != client_id:
        raise InvalidRequest("A client says who it is in one way: in the header, or in the form.")
    return Credentials(client_id=client_id, secret=secret or None)


async def _body(request: Request) -> bytes:
    cap = Cap(MAX_BODY_BYTES, RequestTooLarge(f"The body exceeds {MAX_BODY_BYTES:,} bytes."))
    idle = components_of(request).settings.upload_idle_timeout_seconds
    return await RequestBody(request.receive, cap=cap, idle_timeout_seconds=idle).read()
