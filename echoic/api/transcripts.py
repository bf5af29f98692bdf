"""The transcript of an item, in any of the formats."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.items import Failure
from echoic.api.lookup import Id, readable_item
from echoic.api.problems import Problem
from echoic.db import transcripts
from echoic.db.items import Item
from echoic.errors import NotPublished
from echoic.formats import FORMATS, FormatName
from echoic.formats.json_out import to_object
from echoic.records import Transcript

STATUS_HEADER = "X-Item-Status"
READABLE_STATUSES = ("published", "failed", "cancelled")
"""What was transcribed stays readable when a later stage fails; while work goes on, it may still change."""

router = APIRouter(tags=["transcripts"], responses={"default": {"model": Problem}})


class WordBody(BaseModel):
    """A word and when it was said."""

    word: str
    start: float
    end: float
    score: float = Field(description="The engine's probability, 0 to 1.")
    speaker: str | None


class SegmentBody(BaseModel):
    """A stretch of the transcript."""

    id: int = Field(description="Its place in the transcript, from 0.")
    start: float = Field(description="Seconds from the start of the recording.")
    end: float
    speaker: str | None
    text: str
    confidence: float | None = Field(description="Mean probability of its words, 0 to 1.")
    words: list[WordBody]


class EngineBody(BaseModel):
    """What made the transcript."""

    name: str
    model: str
    version: str


class TranscriptBody(BaseModel):
    """Everything said in an item."""

    item_id: int
    status: str = Field(description="That of the item: published, or failed or cancelled after it was transcribed.")
    error: Failure | None
    title: str
    language: str | None
    duration_seconds: float | None
    engine: EngineBody | None = Field(description="What transcribed it.")
    speakers: list[str]
    segments: list[SegmentBody]


_TEXTS: dict[str, Any] = {
    form.media_type.split(";")[0]: {"schema": {"type": "string"}} for name, form in FORMATS.items() if name != "json"
}


@router.get(
    "/api/items/{item_id}/transcript",
    response_class=Response,
    responses={
        200: {"model": TranscriptBody, "content": _TEXTS, "description": "The transcript in the format asked for."},
        409: {"model": Problem, "description": "`not_published`: there is no transcript yet, or it may still change."},
    },
)
async def get(
    item_id: Id,
    caller: Reader,
    components: ComponentsDep,
    form: Annotated[FormatName, Query(alias="format", description="How it is written.")] = "json",
) -> Response:
    """What was said in an item; also in one that failed, or was cancelled, after it had been transcribed."""
    async with components.database.transaction() as session:
        view = await readable_item(session, item_id, caller)
        transcript = None
        if view.item.status in READABLE_STATUSES:
            transcript = await transcripts.load_transcript(session, view.item)
    if transcript is None:
        raise NotPublished(_why_not(view.item))
    # Hours of speech take a noticeable time to write; others are served meanwhile.
    content = await asyncio.to_thread(_written, form, transcript, view.item)
    return Response(
        content,
        media_type=FORMATS[form].media_type,
        headers={
            STATUS_HEADER: view.item.status,
            "Content-Disposition": f'inline; filename="item-{item_id}.{FORMATS[form].extension}"',
        },
    )


def _written(form: FormatName, transcript: Transcript, item: Item) -> str:
    if form != "json":
        return FORMATS[form].write(transcript)
    failure = Failure.of(item)
    state = {"status": item.status, "error": None if failure is None else failure.model_dump()}
    return json.dumps(to_object(transcript) | state, ensure_ascii=False)


def _why_not(item: Item) -> str:
    message = f"The item is not published: its status is '{item.status}'"
    if item.error_code is not None:
        message += f" ({item.error_stage}: {item.error_code})"
    return f"{message}."
