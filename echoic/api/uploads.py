"""Uploads: a file in a form, or a URL to fetch it from. The body is read by ``intake``, as it comes, never whole."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from echoic.access import Caller
from echoic.api.auth import Uploader
from echoic.api.context import ComponentsDep, MetricsDep
from echoic.api.items import NoticeBody
from echoic.api.lookup import Id
from echoic.api.problems import Problem
from echoic.api.upload_bodies import FORM, JSON, REPLAYED_HEADER, REQUEST, RESPONSES, AcceptedBody
from echoic.api.withheld import tells_of_its_own
from echoic.compose import Components
from echoic.errors import EchoicError, FieldInvalid, UnsupportedRequestType
from echoic.intake.accept import STORED_MESSAGE, Accepted
from echoic.intake.body import Body, ContentDigest, json_cap
from echoic.intake.fields import FileMetadata
from echoic.intake.idempotency import Claim, FirstAnswer, claim_key, compare_form, compare_url, parse_key
from echoic.intake.multipart import FRAME_BYTES
from echoic.intake.quota import judge_room
from echoic.intake.target import UploadTarget, judge_quota, judge_target
from echoic.notices import Notice
from echoic.settings import Settings

router = APIRouter(tags=["items"], responses={"default": {"model": Problem}})

OnDuplicate = Annotated[
    Literal["allow", "reject"],
    Query(description="What happens to a file whose bytes the dataset holds already: `reject` answers 409."),
]


@router.post(
    "/api/datasets/{dataset_id}/items", openapi_extra=REQUEST, responses=RESPONSES, response_model_exclude_none=True
)
@tells_of_its_own
async def upload(
    request: Request,
    response: Response,
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
        call = await _judge_head(request, components, caller, dataset_id, on_duplicate)
        if isinstance(call.claim, FirstAnswer):
            repeated = await _compare(call, call.claim)
            metrics.upload_ended("replayed")
            response.headers[REPLAYED_HEADER] = "true"
            return _answer(call.claim.item_id, call.claim.message, repeated.notices)
        accepted = await _receive(call, call.claim, components)
    except EchoicError as error:
        metrics.upload_ended(error.code)
        raise
    metrics.upload_ended("accepted", accepted.size_bytes)
    return _answer(accepted.item_id, accepted.message, accepted.notices)


def _answer(item_id: int, message: str, notices: Sequence[Notice]) -> AcceptedBody:
    """The answer as the Upload page has it, with more where there is more to say."""
    body = AcceptedBody(success=True, item_id=item_id, message=message)
    if message == STORED_MESSAGE:
        body.status, body.on_hold = "queued", True
    if notices:
        body.notices = [NoticeBody.model_validate(notice, from_attributes=True) for notice in notices]
    return body


def declared_bytes(request: Request) -> int | None:
    """The length of the body where the request says it. Raises FieldInvalid."""
    declared = request.headers.get("content-length")
    if declared is None:
        return None
    if not (declared.isascii() and declared.isdigit()):
        raise FieldInvalid("The Content-Length header is not a number.")
    return int(declared)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """An upload whose head was judged."""

    kind: str
    content_type: str
    target: UploadTarget
    body: Body
    reject_duplicate: bool
    claim: Claim | FirstAnswer | None


async def _judge_head(
    request: Request, components: Components, caller: Caller, dataset_id: int, on_duplicate: str
) -> _Call:
    """What can be judged without the body. A repeated upload is recognized even when a new one has no minutes or no room."""
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    key = parse_key(request.headers.getlist("idempotency-key"))
    async with components.database.transaction() as session:
        target = await judge_target(session, caller=caller, dataset_id=dataset_id, plans=components.plans)
        body = _body(request, kind, target, components.settings)
        claim = None
        if key is not None:
            asked = f"POST /api/datasets/{dataset_id}/items?on_duplicate={on_duplicate} {kind}"
            claim = await claim_key(session, components.database, account_id=caller.account_id, key=key, request=asked)
        if not isinstance(claim, FirstAnswer):
            await judge_quota(session, target)
            await judge_room(session, target.payer, at_least_bytes=_least_file_bytes(request, kind))
    return _Call(
        kind=kind,
        content_type=content_type,
        target=target,
        body=body,
        reject_duplicate=on_duplicate == "reject",
        claim=claim,
    )


def _least_file_bytes(request: Request, kind: str) -> int:
    """How much of the body, as far as its length is said, must be the file; of a URL nobody knows."""
    return (declared_bytes(request) or 0) - FRAME_BYTES if kind == FORM else 0


def _body(request: Request, kind: str, target: UploadTarget, settings: Settings) -> Body:
    if kind not in (FORM, JSON):
        raise UnsupportedRequestType
    cap = target.cap.widened(FRAME_BYTES) if kind == FORM else json_cap()
    cap.judge(declared_bytes(request))
    return Body(
        request.receive,
        cap=cap,
        idle_timeout_seconds=settings.upload_idle_timeout_seconds,
        digest=ContentDigest.parse(", ".join(request.headers.getlist("content-digest"))),
    )


async def _receive(call: _Call, claim: Claim | None, components: Components) -> Accepted:
    receiver = components.receiver
    async with claim or nullcontext():
        if call.kind == FORM:
            return await receiver.receive_form(
                call.target, call.body, call.content_type, reject_duplicate=call.reject_duplicate, claim=claim
            )
        return await receiver.receive_url(call.target, call.body, reject_duplicate=call.reject_duplicate, claim=claim)


async def _compare(call: _Call, first: FirstAnswer) -> FileMetadata:
    if call.kind == FORM:
        return await compare_form(first, call.body, call.content_type, cap=call.target.cap)
    return await compare_url(first, call.body)
