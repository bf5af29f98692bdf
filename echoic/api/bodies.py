"""JSON in requests and answers. Bodies are read after the caller is known, bounded, and refused with what is wrong."""

from codecs import BOM_UTF8
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)
from starlette.requests import Request

from echoic.api.context import components_of
from echoic.api.problems import validation_message
from echoic.errors import FieldInvalid, JsonMalformed, JsonNotObject
from echoic.intake.body import Body as RequestBody, json_cap

MAX_AHEAD = timedelta(days=36_500)


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC."""
    return moment.astimezone(UTC)


UtcTime = Annotated[datetime, AfterValidator(in_utc)]
"""A time as the API shows it, in UTC, independent of the database's zone."""


def _ahead(moment: datetime) -> datetime:
    if not timedelta(0) < moment - datetime.now(UTC) <= MAX_AHEAD:
        raise ValueError("must lie in the future, at most 100 years ahead")
    return moment


FutureTime = Annotated[AwareDatetime, AfterValidator(_ahead)]
"""A time in a request; the field is not strict, since JSON has texts in place of times."""


def _whole(value: Any) -> Any:
    """Return the whole number: in JSON 5.0 is the number 5; true is not, and neither is "5"."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Marks an ``int`` in a body: a number that is whole, as JSON Schema understands ``integer``."""


def unset() -> Any:
    """Return the default of fields that may be left out but not be null."""
    return None


class Body(BaseModel):
    """A JSON object in a request; a field that is not known is refused, so that no misspelling widens the request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="wrap")
    @classmethod
    def _name_unknown_fields(cls, value: Any, handler: Any) -> Self:
        if isinstance(value, dict):
            unknown = sorted(str(name) for name in value if name not in cls.model_fields)
            if unknown:
                raise ValueError(f"unknown field {unknown[0]!r}; allowed are {', '.join(cls.model_fields)}")
        made: Self = handler(value)
        return made


BodyT = TypeVar("BodyT", bound=Body)


async def read_json(request: Request, model: type[BodyT]) -> BodyT:
    """Return the request's body as JSON; its Content-Type is not looked at.

    Raises:
        JsonMalformed, JsonNotObject, FieldInvalid: it is not what ``model`` says.
        RequestTooLarge: it has more bytes than any of these objects needs.
        ClientDisconnected, BodyTimedOut: it did not come to its end.
    """
    return _parsed(await _read_bounded(request), model)


async def read_optional_json(request: Request, model: type[BodyT]) -> BodyT:
    """Return the request's body as ``read_json`` does; an empty body gives the defaults of the model."""
    return _parsed(await _read_bounded(request) or b"{}", model)


def _parsed(body: bytes, model: type[BodyT]) -> BodyT:
    try:
        return model.model_validate_json(body.removeprefix(BOM_UTF8))  # RFC 8259, section 8.1, lets a parser ignore it
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        kinds = {problem["type"] for problem in found}
        if "json_invalid" in kinds:
            raise JsonMalformed(f"The body is not valid JSON: {found[0]['ctx']['error']}.") from error
        if found[0]["loc"] == () and kinds & {"model_type", "model_attributes_type"}:
            raise JsonNotObject from error
        raise FieldInvalid(validation_message(found)) from error


async def _read_bounded(request: Request) -> bytes:
    idle = components_of(request).settings.upload_idle_timeout_seconds
    return await RequestBody(request.receive, cap=json_cap(), idle_timeout_seconds=idle).read()
