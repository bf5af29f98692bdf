"""Resumable uploads by the IETF's draft: a second set of headers over the uploads of tus, at the same addresses.

The OpenAPI document has one operation for each method of an address, which is that of tus; docs/uploads.md describes both.
"""

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from echoic.access import tells_of_its_own
from echoic.api.auth import Uploader
from echoic.api.context import ComponentsDep, MetricsDep
from echoic.api.ietf import (
    PIECE_TYPE,
    STATE,
    VERSION_HEADER,
    WITHOUT_PIECE_TYPE,
    IetfRoute,
    check_version,
    digest_header,
    state_headers,
)
from echoic.api.parameters import Id
from echoic.api.problems import Problem
from echoic.api.resumable_uploads import UPLOAD, UPLOADS, location_of
from echoic.api.uploads import OnDuplicate, accepted_body
from echoic.compose import Components
from echoic.db.items import items
from echoic.db.uploads.uploads import Upload
from echoic.errors import EchoicError, UnsupportedRequestType, UploadNotFound
from echoic.intake.accept import QUEUED_MESSAGE, STORED_MESSAGE, Accepted
from echoic.intake.body import media_type
from echoic.intake.ietf_headers import read_creation, read_piece
from echoic.intake.upload_headers import describe
from echoic.intake.upload_heads import CreationHead
from echoic.reading.item_states import is_on_hold

router = APIRouter(
    tags=["uploads"],
    route_class=IetfRoute,
    default_response_class=Response,
    dependencies=[Depends(check_version)],
    responses={"default": {"model": Problem}},
)


@router.post(UPLOADS, status_code=201, include_in_schema=False)
@tells_of_its_own
async def create(
    request: Request,
    *,
    dataset_id: Id,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
    on_duplicate: OnDuplicate = "allow",
) -> Response:
    """Begin an upload; its address is in `Location`. The body may hold the first bytes, or all of them.

    Where these cannot be taken, no upload is begun: without an interim answer its client could not know the address.
    """
    try:
        creation = read_creation(_sent(request))
        head = CreationHead(
            size_bytes=creation.size_bytes,
            given_metadata=creation.given_metadata,
            reject_duplicate=on_duplicate == "reject",
        )
        upload = await components.intake.resumable.create(caller, dataset_id, head)
    except EchoicError as error:
        metrics.upload_ended(error.code, 0)
        raise
    if creation.piece.declared_bytes != 0:
        try:
            upload = await components.intake.resumable.append(
                caller, dataset_id, upload.id, creation.piece, request.receive, ended=metrics.upload_ended
            )
        except EchoicError:
            await components.intake.resumable.give_up(upload.id)
            raise
    headers = {"Location": location_of(request, components, upload), **state_headers(request, upload)}
    if upload.item_id is not None:
        return await _completed(components, upload, headers)
    return Response(status_code=201, headers=headers)


@router.get(UPLOAD, status_code=204, responses={204: STATE}, operation_id="getUploadState")
async def look(
    request: Request,
    dataset_id: Id,
    upload_id: str,
    *,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
) -> Response:
    """Tell where an upload stands, in headers of the IETF's resumable uploads; a request at work on it ends first.

    The same address, and that at which uploads begin, take these uploads as well as those of tus: docs/uploads.md
    describes their headers.
    """
    upload = await components.intake.resumable.look(
        caller, dataset_id, upload_id, supersedes=True, ended=metrics.upload_ended
    )
    return Response(status_code=204, headers=state_headers(request, upload))


router.add_api_route(UPLOAD, look, methods=["HEAD"], status_code=204, include_in_schema=False)


@router.patch(UPLOAD, status_code=204, include_in_schema=False)
@tells_of_its_own
async def append(
    request: Request,
    *,
    dataset_id: Id,
    upload_id: str,
    caller: Uploader,
    components: ComponentsDep,
    metrics: MetricsDep,
) -> Response:
    """Add bytes to an upload; the answer to the last is that of an upload in one request. A request at work on it ends."""
    piece = read_piece(_sent(request))
    kind = media_type(request.headers.get("content-type", ""))
    if kind != PIECE_TYPE and piece.declared_bytes != 0 and request.headers.get(VERSION_HEADER) != WITHOUT_PIECE_TYPE:
        raise UnsupportedRequestType(f"Send the bytes as {PIECE_TYPE}.")
    upload = await components.intake.resumable.append(
        caller, dataset_id, upload_id, piece, request.receive, ended=metrics.upload_ended
    )
    headers = state_headers(request, upload)
    return (
        Response(status_code=204, headers=headers)
        if upload.item_id is None
        else await _completed(components, upload, headers)
    )


@router.delete(UPLOAD, status_code=204, include_in_schema=False)
async def remove(dataset_id: Id, upload_id: str, caller: Uploader, components: ComponentsDep) -> None:
    """Give an upload up with its bytes. An item that it has become stays."""
    await components.intake.resumable.remove(caller, dataset_id, upload_id)


def _sent(request: Request) -> dict[str, str]:
    return {name: ", ".join(request.headers.getlist(name)) for name in request.headers}


async def _completed(components: Components, upload: Upload, headers: dict[str, str]) -> Response:
    """Return the answer of an upload in one request, with the digest of what arrived."""
    async with components.database.transaction() as session:
        item = None if upload.item_id is None else await items.get_item(session, upload.item_id)
        blob = None if item is None else await items.get_blob(session, item.audio_blob_id)
    if item is None or blob is None:  # deleted meanwhile, and the upload with it
        raise UploadNotFound
    accepted = Accepted(
        item_id=item.id,
        size_bytes=blob.size_bytes,
        message=STORED_MESSAGE if is_on_hold(item.status) else QUEUED_MESSAGE,
        notices=describe(upload.given_metadata).notices,
    )
    body = accepted_body(accepted).model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, headers=headers | digest_header(blob.sha256))
