"""Resumable uploads by tus 1.0.0: a file comes in over as many requests as the network makes of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from echoic.access import tells_of_its_own
from echoic.api.auth import Uploader
from echoic.api.context import ComponentsDep, MetricsDep
from echoic.api.ietf import STATE, limit_headers
from echoic.api.parameters import Id
from echoic.api.patterns import ONE, TUS_NUMBER
from echoic.api.problems import Problem
from echoic.api.tus import (
    BYTES_TYPE,
    PROGRESS,
    TusRoute,
    check_protocol,
    described,
    description_headers,
    progress_headers,
    server_headers,
)
from echoic.api.uploads import OnDuplicate
from echoic.compose import Components
from echoic.db.uploads.uploads import Upload
from echoic.errors import EchoicError, FieldInvalid, UnsupportedRequestType
from echoic.intake.body import declared_bytes, media_type
from echoic.intake.resumable import SECONDS_PER_HOUR
from echoic.intake.upload_headers import describe, parse_checksum
from echoic.intake.upload_heads import CreationHead, UploadPiece

UPLOADS = "/api/datasets/{dataset_id}/uploads"
UPLOAD = UPLOADS + "/{upload_id}"
CHECKSUM = r"^(sha1 [A-Za-z0-9+/]{27}=|sha256 [A-Za-z0-9+/]{43}=)$"
"""The pattern in the document; a wrong value is refused with a sentence."""

router = APIRouter(
    tags=["uploads"],
    route_class=TusRoute,
    default_response_class=Response,
    dependencies=[Depends(check_protocol)],
    responses={"default": {"model": Problem}},
)

Absent = SkipJsonSchema[None]
"""A header that is not there; none is ever null."""

Number = Annotated[str, StringConstraints(pattern=TUS_NUMBER)]
NeededOffset = Annotated[Number, Header(alias="Upload-Offset", description="The place where the bytes belong.")]
Offset = Annotated[
    Number | Absent, Header(alias="Upload-Offset", description="The place where the bytes belong; needed for `PATCH`.")
]
Length = Annotated[Number | Absent, Header(alias="Upload-Length", description="Of the whole upload.")]
DeferLength = Annotated[
    Annotated[str, StringConstraints(pattern=ONE)] | Absent,
    Header(alias="Upload-Defer-Length", description="`1`: the length is to follow."),
]
Metadata = Annotated[
    str,
    Header(
        alias="Upload-Metadata",
        description="Pairs of a name and a value in base64: `filename`, and as in a form `title`, `description`, `sha256`, "
        "`language`, `tier`, `engine`, `model`, `num_speakers`, `min_speakers`, `max_speakers`. "
        "`when_abandoned` with the value `keep`, for an upload whose length is to follow: what has arrived becomes an item where "
        "the upload is not taken up again before it expires.",
        examples=["filename aW50ZXJ2aWV3LmZsYWM=,title SW50ZXJ2aWV3"],
    ),
]
ChecksumOfBytes = Annotated[
    str | Absent,
    Header(
        alias="Upload-Checksum",
        description="`sha1` or `sha256`, and the digest of the body in base64.",
        json_schema_extra={"pattern": CHECKSUM},
    ),
]
OtherMethod = Annotated[
    str,
    Header(
        alias="X-HTTP-Method-Override",
        description="`PATCH`, `DELETE` or `HEAD`.",
        json_schema_extra={"enum": ["PATCH", "DELETE", "HEAD"]},
    ),
]


@router.options(UPLOADS, status_code=204, operation_id="getUploadOptions")
async def options(request: Request, dataset_id: Id, caller: Uploader, components: ComponentsDep) -> Response:
    """The abilities of resumable uploads here, in headers; `Tus-Max-Size` is the cap on your files in this dataset.

    `Upload-Limit` says it to clients of the IETF's resumable uploads.
    """
    most = await components.intake.resumable.max_bytes(caller, dataset_id)
    seconds = int(components.settings.upload_expires_hours * SECONDS_PER_HOUR)
    return Response(status_code=204, headers=server_headers(most) | limit_headers(request, most, seconds=seconds))


@router.post(
    UPLOADS,
    status_code=201,
    responses={201: PROGRESS},
    openapi_extra=described(body_required=False),
    operation_id="createUpload",
)
@tells_of_its_own
async def create(
    request: Request,
    *,
    dataset_id: Id,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
    upload_metadata: Metadata,
    upload_length: Length = None,
    upload_defer_length: DeferLength = None,
    upload_checksum: ChecksumOfBytes = None,
    on_duplicate: OnDuplicate = "allow",
) -> Response:
    """Begin a resumable upload; its address is in the header `Location`. The body may hold the first bytes already.

    It is checked as an upload in one request is before its bytes are read. Where the first bytes cannot be taken, no
    upload is begun. Where pairs of `Upload-Metadata` are not known, the body of the answer names them in `notices`.
    With `Upload-Complete` in place of `Tus-Resumable` the request is one of the IETF's resumable uploads: docs/uploads.md.
    """
    try:
        if (upload_length is None) == (upload_defer_length is None):
            raise FieldInvalid("Send either the header Upload-Length or the header Upload-Defer-Length: 1.")
        piece = UploadPiece(offset_bytes=0, declared_bytes=_declared(request), checksum=parse_checksum(upload_checksum))
        has_bytes = _has_bytes(request)
        head = CreationHead(
            size_bytes=_number(upload_length),
            given_metadata=upload_metadata,
            reject_duplicate=on_duplicate == "reject",
        )
        upload = await components.intake.resumable.create(caller, dataset_id, head)
    except EchoicError as error:
        metrics.upload_ended(error.code, 0)
        raise
    if has_bytes:
        try:
            upload = await components.intake.resumable.append(
                caller, dataset_id, upload.id, piece, request.receive, ended=metrics.upload_ended
            )
        except EchoicError:
            await components.intake.resumable.give_up(upload.id)
            raise
    headers = {"Location": location_of(request, components, upload), **progress_headers(upload)}
    notices = describe(upload_metadata).notices
    if not notices:
        return Response(status_code=201, headers=headers)
    return JSONResponse({"notices": [notice.to_object() for notice in notices]}, 201, headers)


@router.head(
    UPLOAD,
    responses={200: PROGRESS, 204: STATE},
    openapi_extra=described(is_shared=True),
    operation_id="getUploadOffset",
)
async def look(
    dataset_id: Id,
    upload_id: str,
    *,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
) -> Response:
    """The number of bytes of an upload that are safe, in the header `Upload-Offset`; the next ones belong there.

    Once the upload has become an item, the header `Item-Id` names it.
    """
    upload = await components.intake.resumable.look(caller, dataset_id, upload_id, ended=metrics.upload_ended)
    return Response(headers={**description_headers(upload), **progress_headers(upload)})


@router.patch(
    UPLOAD,
    status_code=204,
    responses={204: PROGRESS},
    openapi_extra=described(body_required=True),
    operation_id="appendToUpload",
)
@tells_of_its_own
async def append(
    request: Request,
    *,
    dataset_id: Id,
    upload_id: str,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
    upload_offset: NeededOffset,
    upload_length: Length = None,
    upload_checksum: ChecksumOfBytes = None,
) -> Response:
    """Add bytes to an upload. After the last ones it is an item, which the header `Item-Id` of the answer names.

    What came before a connection broke is kept, unless it has a checksum: such bytes count together or not at all.
    """
    if not _has_bytes(request):
        raise UnsupportedRequestType(f"Send the bytes as {BYTES_TYPE}.")
    piece = UploadPiece(
        offset_bytes=int(upload_offset),
        declared_bytes=_declared(request),
        upload_bytes=_number(upload_length),
        checksum=parse_checksum(upload_checksum),
    )
    upload = await components.intake.resumable.append(
        caller, dataset_id, upload_id, piece, request.receive, ended=metrics.upload_ended
    )
    return Response(status_code=204, headers=progress_headers(upload))


@router.delete(UPLOAD, status_code=204, openapi_extra=described(is_shared=True), operation_id="deleteUpload")
async def remove(
    dataset_id: Id,
    upload_id: str,
    caller: Uploader,
    components: ComponentsDep,
) -> None:
    """Give an upload up with its bytes. An item that it has become stays."""
    await components.intake.resumable.remove(caller, dataset_id, upload_id)


@router.post(
    UPLOAD,
    responses={200: PROGRESS, 204: PROGRESS},
    openapi_extra=described(body_required=False),
    operation_id="overrideUploadMethod",
)
@tells_of_its_own
async def override(
    request: Request,
    *,
    dataset_id: Id,
    upload_id: str,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
    method: OtherMethod,
    upload_offset: Offset = None,
    upload_length: Length = None,
    upload_checksum: ChecksumOfBytes = None,
) -> Response:
    """Do what the method in `X-HTTP-Method-Override` does, for networks that let no such method through."""
    named = method.upper()
    if named == "PATCH":
        if upload_offset is None:
            raise FieldInvalid("Send the header Upload-Offset.")
        return await append(
            request,
            dataset_id=dataset_id,
            upload_id=upload_id,
            caller=caller,
            components=components,
            metrics=metrics,
            upload_offset=upload_offset,
            upload_length=upload_length,
            upload_checksum=upload_checksum,
        )
    if named == "DELETE":
        await remove(dataset_id, upload_id, caller, components)
        return Response(status_code=204)
    if named == "HEAD":
        return await look(dataset_id, upload_id, caller=caller, components=components, metrics=metrics)
    raise FieldInvalid("The header X-HTTP-Method-Override must be PATCH, DELETE or HEAD.")


def location_of(request: Request, components: Components, upload: Upload) -> str:
    """Return the address of an upload that was begun by this request."""
    return f"{(components.settings.public_url or '').rstrip('/')}{request.url.path}/{upload.id}"


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _declared(request: Request) -> int | None:
    return declared_bytes(request.headers.get("content-length"))


def _has_bytes(request: Request) -> bool:
    """Return whether the body holds bytes of the upload; raises UnsupportedRequestType for a body of another kind."""
    if media_type(request.headers.get("content-type", "")) == BYTES_TYPE:
        return True
    if _declared(request) or "transfer-encoding" in request.headers:
        raise UnsupportedRequestType(f"Send the bytes as {BYTES_TYPE}.")
    return False
