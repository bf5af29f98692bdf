"""Checks on the head of every request once the caller is known: headers given twice, encoding of the body, names in the query.

A parameter that is not known is no error by itself: clients of the public API may send some that only that service knows.
A name that is near to one of ours is refused: the answer would be to another question than was asked.
"""

from collections.abc import Iterable
from urllib.parse import quote

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query as QueryInfo
from fastapi.routing import APIRoute
from starlette.requests import Request

from echoic.errors import ContentEncodingUnsupported, FieldInvalid
from echoic.intake.body import is_plain
from echoic.intake.fields import near

KEY_PARAMETER = "api_key"
GIVEN_ONCE = (
    "Authorization",
    "Content-Type",
    "If-Range",
    "Range",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Complete",
    "Upload-Defer-Length",
    "Upload-Draft-Interop-Version",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-HTTP-Method-Override",
)
"""Headers with one value (RFC 9110, section 5.3; tus 1.0.0). Of several, one part of a way counts the first, another the last."""
_BY_NAME = {name.lower().encode(): name for name in GIVEN_ONCE}
A_SLIP = 0.7
"""From this ratio of ``difflib`` on a parameter is refused: 'state' is near to 'status', 'from' is not near to 'offset'."""
MAX_NAMED = 10
MAX_NAME_CHARACTERS_SHOWN = 40


def check_head(request: Request) -> None:
    """Let a request pass, and note the query parameters that mean nothing for the answer's head.

    Raises:
        ContentEncodingUnsupported: the body is compressed.
        FieldInvalid: a header that has one value is given twice, or a query parameter is probably a misspelling of another.
    """
    met: set[bytes] = set()
    for name, value in request.headers.raw:
        if name in _BY_NAME:
            if name in met:
                raise FieldInvalid(f"The header {_BY_NAME[name]} must be given once.")
            met.add(name)
        elif name == b"content-encoding" and not is_plain(value.decode("latin-1")):
            raise ContentEncodingUnsupported
    if request.query_params:
        request.state.ignored_parameters = _ignored(request.query_params, _known(request.scope["route"]))


def _known(route: APIRoute) -> tuple[str, ...]:
    parameters = get_flat_params(route.dependant)
    return (*(each.alias for each in parameters if isinstance(each.field_info, QueryInfo)), KEY_PARAMETER)


def _ignored(given: Iterable[str], known: tuple[str, ...]) -> str:
    """The names of the parameters that mean nothing, fit for a header."""
    ignored = [name[:MAX_NAME_CHARACTERS_SHOWN] for name in given if name not in known]
    for name in ignored:
        if (meant := near(name, known, alike=A_SLIP)) is not None:
            raise FieldInvalid(
                f"The query parameter {name!r} is not known; did you mean '{meant}'? Allowed are {', '.join(known)}."
            )
    return ", ".join(quote(name) for name in ignored[:MAX_NAMED])
