"""Uploads: a file in a form, or a URL to fetch it from. The body is read by ``intake``, as it comes, never whole."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from echoic.access import tells_of_its_own
from echoic.api.auth import Uploader
from echoic.api.context import ComponentsDep, MetricsDep
from echoic.api.items import NoticeBody
from echoic.api.parameters import MAX_ID
from echoic.api.problems import Problem
from echoic.api.upload_bodies import FORM_REQUEST, REPLAYED_HEADER, RESPONSES, URL_REQUEST, AcceptedBody
from echoic.errors import EchoicError
from echoic.intake.accept import STORED_MESSAGE, Accepted
from echoic.intake.body import media_type
from echoic.intake.idempotency import parse_key
from echoic.intake.receive import RequestHead
from echoic.metrics import Metrics

UPLOAD = "/api/datasets/{dataset_id}/items"
UPLOAD_FROM_URL = UPLOAD + "/url"
"""The same for generated clients, most of which know one kind of body for an operation: the document shows the form under
one path and the URL under the other. Each path takes both."""

router = APIRouter(tags=["items"], responses={"default": {"model": Problem}})

Treatment = Literal["allow", "reject"]
OnDuplicate = Annotated[
    Treatment,
    Query(description="The treatment of a file whose bytes the dataset holds already: `reject` answers 409."),
]
Destination = Annotated[
    int, Path(ge=1, le=MAX_ID, description="The first dataset is 1.", json_schema_extra={"example": 1})
]


@router.post(
    UPLOAD_FROM_URL,
    name="upload_from_url",
    openapi_extra=URL_REQUEST,
    responses=RESPONSES,
    response_model_exclude_none=True,
    operation_id="uploadFromUrl",
)
@router.post(
    UPLOAD,
    openapi_extra=FORM_REQUEST,
    responses=RESPONSES,
    response_model_exclude_none=True,
    operation_id="uploadAudio",
)
@tells_of_its_own
async def upload(
    request: Request,
    response: Response,
    *,
    dataset_id: Destination,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
    on_duplicate: OnDuplicate = "allow",
) -> AcceptedBody:
    """Upload a recording in a form, or have it fetched from a URL in an object of JSON (`audio_url`).

    `POST /api/datasets/{dataset_id}/items` takes both; `…/items/url` is the same, for clients that are made for one kind of body.
    Key, dataset and declared size are checked before the body is read; a 200 means that the bytes are durable.
    """
    kind = media_type(content_type := request.headers.get("content-type", ""))

    async def receive() -> Accepted:
        head = RequestHead(
            content_type=content_type,
            content_length=request.headers.get("content-length"),
            content_digest=", ".join(request.headers.getlist("content-digest")),
            reject_duplicate=on_duplicate == "reject",
            key=parse_key(request.headers.getlist("idempotency-key")),
            request=f"POST /api/datasets/{dataset_id}/items?on_duplicate={on_duplicate} {kind}",
        )
        return await components.intake.receiver.receive(caller, dataset_id, head, request.receive)

    return await counted(receive, response, metrics)


async def counted(receive: Callable[[], Awaitable[Accepted]], response: Response, metrics: Metrics) -> AcceptedBody:
    """Receive an upload, and return its answer; how it ended is counted."""
    try:
        accepted = await receive()
    except EchoicError as error:
        metrics.upload_ended(error.code)
        raise
    if accepted.is_repeated:
        response.headers[REPLAYED_HEADER] = "true"
    metrics.upload_ended("replayed" if accepted.is_repeated else "accepted", accepted.size_bytes)
    return accepted_body(accepted)


def accepted_body(accepted: Accepted) -> AcceptedBody:
    """The answer as the Upload page has it, with more where there is more to say."""
    body = AcceptedBody(success=True, item_id=accepted.item_id, message=accepted.message)
    if accepted.message == STORED_MESSAGE:
        body.status, body.on_hold = "queued", True
    if accepted.notices:
        body.notices = [NoticeBody.model_validate(notice, from_attributes=True) for notice in accepted.notices]
    return body
