"""Uploads: a file in a form, or a URL to fetch it from. The body is read by ``intake``, as it comes, never whole."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from echoic.api.auth import Uploader
from echoic.api.context import ComponentsDep, MetricsDep
from echoic.api.lookup import Id
from echoic.api.problems import Problem
from echoic.api.speaker_numbers import SpeakerNumbers
from echoic.compose import Components
from echoic.errors import EchoicError, FieldInvalid, UnsupportedRequestType
from echoic.intake.accept import Accepted
from echoic.intake.audio_url import MAX_URL_CHARACTERS
from echoic.intake.body import Body, json_cap
from echoic.intake.content_digest import ContentDigest
from echoic.intake.fields import MAX_SPEAKERS
from echoic.intake.multipart import FRAME_BYTES
from echoic.intake.target import UploadTarget, judge_target

FORM = "multipart/form-data"
JSON = "application/json"

SHA256: dict[str, Any] = {"type": "string", "description": "The file's SHA-256 in hexadecimal, to be verified."}


def _speaker_fields(*types: str) -> dict[str, Any]:
    return {
        name: {"type": list(types), "minimum": 1, "maximum": MAX_SPEAKERS, "description": field.description}
        for name, field in SpeakerNumbers.model_fields.items()
    }


REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["audio"],
                    "properties": {
                        "audio": {"type": "string", "format": "binary", "description": "The audio file."},
                        "title": {"type": "string", "maxLength": 500},
                        "description": {"type": "string", "maxLength": 20_000},
                        "sha256": SHA256,
                        **_speaker_fields("integer"),
                    },
                },
                "encoding": {"audio": {"contentType": "audio/*, video/*, application/octet-stream"}},
            },
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["audio_url"],
                    "properties": {
                        "audio_url": {
                            "type": "string",
                            "format": "uri",
                            "pattern": "^[Hh][Tt][Tt][Pp][Ss]://",
                            "maxLength": MAX_URL_CHARACTERS,
                            "description": "A publicly reachable https:// URL.",
                        },
                        "title": {"type": ["string", "null"], "maxLength": 500},
                        "description": {"type": ["string", "null"], "maxLength": 20_000},
                        "sha256": SHA256,
                        **_speaker_fields("integer", "null"),
                    },
                }
            },
        },
    }
}

router = APIRouter(tags=["items"], responses={"default": {"model": Problem}})


OnDuplicate = Annotated[
    Literal["allow", "reject"],
    Query(description="What happens to a file whose bytes the dataset holds already: `reject` answers 409."),
]


class AcceptedBody(BaseModel):
    """The upload is safe; what follows happens in the background."""

    success: bool = Field(description="Always true in an answer with status 200.")
    item_id: int
    message: str


@router.post("/api/datasets/{dataset_id}/items", openapi_extra=REQUEST_BODY)
async def upload(
    request: Request,
    *,
    dataset_id: Id,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
    on_duplicate: OnDuplicate = "allow",
) -> AcceptedBody:
    """Upload a recording, or have it fetched from a URL.

    Key, dataset and declared size are judged before the body is read; a 200 means that the bytes are durable.
    """
    try:
        async with components.database.transaction() as session:
            target = await judge_target(session, caller=caller, dataset_id=dataset_id, plans=components.plans)
        accepted = await _receive(request, components, target, reject_duplicate=on_duplicate == "reject")
    except EchoicError as error:
        metrics.upload_ended(error.code)
        raise
    metrics.upload_ended("accepted", accepted.size_bytes)
    return AcceptedBody(success=True, item_id=accepted.item_id, message=accepted.message)


async def _receive(
    request: Request, components: Components, target: UploadTarget, *, reject_duplicate: bool
) -> Accepted:
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (FORM, JSON):
        raise UnsupportedRequestType
    cap = target.cap.widened(FRAME_BYTES) if kind == FORM else json_cap()
    cap.judge(declared_bytes(request))
    body = Body(
        request.receive,
        cap=cap,
        idle_timeout_seconds=components.settings.upload_idle_timeout_seconds,
        digest=ContentDigest.parse(", ".join(request.headers.getlist("content-digest"))),
    )
    if kind == FORM:
        return await components.receiver.receive_form(target, body, content_type, reject_duplicate=reject_duplicate)
    return await components.receiver.receive_url(target, body, reject_duplicate=reject_duplicate)


def declared_bytes(request: Request) -> int | None:
    """The length of the body where the request says it. Raises FieldInvalid."""
    declared = request.headers.get("content-length")
    if declared is None:
        return None
    if not (declared.isascii() and declared.isdigit()):
        raise FieldInvalid("The Content-Length header is not a number.")
    return int(declared)
