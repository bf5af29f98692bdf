"""The recording of an item: as it was uploaded, whole, in ranges or by a redirect to where it is stored; or muted."""

import hashlib
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.document.headers import RANGED
from echoic.api.downloads import disposition
from echoic.api.parameters import Id
from echoic.api.problems import Problem
from echoic.api.ranged_answers import ranged
from echoic.api.ranges import is_unchanged
from echoic.compose import Components
from echoic.db.items import items, parts
from echoic.db.items.items import Blob, Item
from echoic.errors import BlobNotFound
from echoic.intake.file_names import split_extension
from echoic.intake.muted_audio import Muted
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import muted_spans, policy_for
from echoic.reading.titles import shown_title
from echoic.redaction.policy import Policy

PRESIGNED_SECONDS = 3_600.0
"""Lifetime of a link into the object store: a player that seeks goes on using the one it was given."""
REDIRECT_SECONDS = 1_800
"""Time for which a client may keep the redirect, well within the lifetime of the link."""
UNKNOWN_MEDIA_TYPE = "application/octet-stream"

MEDIA_TYPES = {
    "aac": "audio/aac",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "amr": "audio/amr",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "mka": "audio/x-matroska",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "webm": "video/webm",
    "wma": "audio/x-ms-wma",
}
"""Content types by extension. The container that the probe found is not kept with the item: browsers and players look
into the bytes and ignore the audio type, and a download is saved under the name given here."""

_BYTES: dict[str, Any] = {
    "content": {
        # First the type that clients which know none of the others can read.
        media_type: {"schema": {"type": "string", "format": "binary"}}
        for media_type in (UNKNOWN_MEDIA_TYPE, *sorted(set(MEDIA_TYPES.values())))
    }
}

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {**_BYTES, "description": "The whole recording."},
    206: {**_BYTES, "description": "The range asked for."},
    304: {"description": "The client's copy is still good."},
    307: {"description": "Where the recording is stored, for an hour."},
    416: {"model": Problem, "description": "`range_not_satisfiable`: the range lies beyond the end."},
}

router = APIRouter(tags=["audio"], responses={"default": {"model": Problem}})


@router.get(
    "/api/items/{item_id}/audio",
    operation_id="getAudio",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra=RANGED,
)
@router.head(
    "/api/items/{item_id}/audio",
    name="head",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra=RANGED,
    operation_id="headAudio",
)
async def get(item_id: Id, caller: Reader, components: ComponentsDep, request: Request) -> Response:
    """The recording as it was uploaded; `Range` and `If-Range` serve players that seek.

    On object storage the answer is a redirect to a link that needs no key and lasts an hour.

    Where the dataset hides something from your role, the answer is another recording, WAV with 16-bit samples at 16 kHz, in
    which the stretches that say it are silent; 423 `muting_busy` with `retry_after` while too many are being sent, and
    403 `original_withheld` where nobody knows yet what is to be hidden. 410 `audio_removed` where it was removed at its deadline.
    """
    async with components.database.transaction() as session:
        view = await readable_item(session, item_id, caller)
        item, policy = view.item, policy_for(view)
        audio = await items.get_blob(session, item.audio_blob_id)
    if audio is None:
        raise BlobNotFound
    parts.require_audio(audio)
    if policy is not None:
        return await _muted(request, components, item, audio, policy)
    headers = headers_of(item, audio)
    if is_unchanged(request.headers, etag=headers["ETag"]):
        return Response(status_code=304, headers=headers)
    # A link is signed for one method: where only the head is asked for, what is known here answers.
    url = None if request.method == "HEAD" else await components.blobs.presign(audio.key, PRESIGNED_SECONDS)
    if url is not None:
        return RedirectResponse(url, headers={"Cache-Control": f"private, max-age={REDIRECT_SECONDS}"})
    return await ranged(
        request,
        headers,
        size=audio.size_bytes,
        stream=lambda sent: components.blobs.stream(audio.key, sent.start, sent.end),
    )


async def _muted(request: Request, components: Components, item: Item, audio: Blob, policy: Policy) -> Response:
    """The recording without what the policy hides. Raises OriginalWithheld where that is not known."""
    spans = await components.aside.run(lambda database: muted_spans(database, item.id, policy))
    muted = Muted(item=item, audio=audio, spans=spans)
    title = await shown_title(components.database, item.id, item.title, policy)
    headers = headers_of(item, audio) | {
        "Content-Disposition": disposition(title, "wav", otherwise=f"item-{item.id}"),
        "Content-Type": MEDIA_TYPES["wav"],
        "ETag": f'"{hashlib.sha256(f"{audio.sha256} {spans}".encode()).hexdigest()}"',
    }
    if is_unchanged(request.headers, etag=headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return await ranged(
        request,
        headers,
        size=muted.size_bytes,
        stream=lambda sent: components.muted_audio.stream(muted, sent.start, sent.end),
    )


def media_type_of(original_filename: str | None) -> str:
    """Return the content type of a recording by the name of its file."""
    _, extension = split_extension(original_filename or "")
    return MEDIA_TYPES.get(extension, UNKNOWN_MEDIA_TYPE)


def headers_of(item: Item, audio: Blob) -> dict[str, str]:
    """The headers of a recording as it was uploaded."""
    _, extension = split_extension(item.original_filename or "")
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(item.title, extension, otherwise=f"item-{item.id}"),
        "Content-Type": media_type_of(item.original_filename),
        "ETag": f'"{audio.sha256}"',
    }
