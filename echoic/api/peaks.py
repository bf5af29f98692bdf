"""The outline of an item's sound, from which a waveform is drawn."""

import hashlib
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.document.headers import RANGED
from echoic.api.parameters import Id
from echoic.api.problems import Problem, range_problem
from echoic.api.ranges import asked_range, is_unchanged
from echoic.db.items.peaks import find_peaks
from echoic.errors import RangeNotSatisfiable
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import muted_spans, policy_for
from echoic.redaction.sound import without_spans

MEDIA_TYPE = "application/octet-stream"
_BYTES: dict[str, Any] = {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {**_BYTES, "description": "All pairs."},
    206: {**_BYTES, "description": "The range of bytes asked for."},
    304: {"description": "The client's copy is still good."},
    416: {"model": Problem, "description": "`range_not_satisfiable`: the range lies beyond the end."},
}

router = APIRouter(tags=["audio"], responses={"default": {"model": Problem}})


@router.get(
    "/api/items/{item_id}/peaks",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra=RANGED,
    operation_id="getPeaks",
)
async def get_peaks(item_id: Id, caller: Reader, components: ComponentsDep, request: Request) -> Response:
    """The outline of the recording for a waveform: pairs of signed bytes, lowest and highest sample, from -127 to 127.

    The pairs belong to 2,000 equal parts of the recording, one after the other; a recording of fewer than 2,000 samples
    at 16 kHz has a pair for each. They are made while the recording is read for its transcription, and kept as long as
    the item. Items from before that get theirs when first asked. While this lasts the answer is 423 `peaks_under_way` with
    `retry_after`. `404 peaks_not_found`: the sound cannot be read; `404 blob_not_found`: the recording is missing;
    `410 audio_removed`: it was removed at its deadline.
    """
    async with components.database.transaction() as session:
        view = await readable_item(session, item_id, caller)
        item, policy = view.item, policy_for(view)
        known = await find_peaks(session, item_id)
    pairs = await components.late_peaks.of_item(item, known)
    if policy is not None:
        muted = await components.aside.run(lambda database: muted_spans(database, item_id, policy))
        pairs = without_spans(pairs, muted, item.duration_seconds)
    etag = f'"{hashlib.sha256(pairs).hexdigest()}"'
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-cache", "ETag": etag}
    if is_unchanged(request.headers, etag=etag):
        return Response(status_code=304, headers=headers)
    try:
        part = asked_range(request.headers, size=len(pairs), etag=etag)
    except RangeNotSatisfiable as error:
        return range_problem(request, error, size=len(pairs))
    if part is None:
        return Response(pairs, headers=headers, media_type=MEDIA_TYPE)
    headers["Content-Range"] = part.content_range
    return Response(pairs[part.start : part.end], 206, headers, MEDIA_TYPE)
