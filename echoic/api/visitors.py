"""The input of people who sign in: name, password, and the data that their browser sends of itself."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from starlette.requests import Request

from echoic.accounts.sign_in import Visitor
from echoic.api.names import trimmed, visible

MAX_SIGN_IN_NAME_CHARACTERS = 200
MAX_SENT_PASSWORD_CHARACTERS = 1000
MAX_PROGRAM_CHARACTERS = 200
UNKNOWN_PROGRAM = "unknown"


def _without_blanks(name: str) -> str:
    if not all(character.isprintable() and not character.isspace() for character in name):
        raise ValueError("must be printable characters without blanks between them")
    return name


SignInName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_SIGN_IN_NAME_CHARACTERS),
    AfterValidator(trimmed),
    AfterValidator(_without_blanks),
    AfterValidator(visible),
]
"""A user name or an e-mail address; case does not count."""

Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SENT_PASSWORD_CHARACTERS)]


def visitor_of(request: Request) -> Visitor:
    """Return the sender of a request, as far as the connection and its headers tell."""
    told = "".join(one for one in request.headers.get("user-agent", "") if one.isprintable())
    return Visitor(
        address=None if request.client is None else request.client.host,
        program=told[:MAX_PROGRAM_CHARACTERS] or UNKNOWN_PROGRAM,
    )
