"""Titles and summaries of chapters by a language model: written when somebody who may change the recording asks for it."""

import asyncio
from typing import Annotated, cast

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import StreamingResponse

from echoic.api.asking import NoAnswerBody
from echoic.api.auth import Uploader
from echoic.api.chapters import ChapterCitationBody, WrittenSentenceBody, WrittenTextBody
from echoic.api.context import ComponentsDep
from echoic.api.document.streams import EVENT_STREAM, stream_of
from echoic.api.events import HEADERS
from echoic.api.parameters import Id
from echoic.api.problems import Problem
from echoic.api.slow_streams import event, events_of
from echoic.asking.answers import Ended
from echoic.asking.chapters import Overviews, WrittenText

router = APIRouter(tags=["transcripts"], responses={"default": {"model": Problem}})


class ChapterWrittenEvent(BaseModel):
    """A chapter was written of."""

    start: float
    end: float
    written: WrittenTextBody = Field(description="What was written of it and kept.")

    @classmethod
    def of(cls, text: WrittenText, *, model: str) -> "ChapterWrittenEvent":
        """Return it as clients are told of it."""
        return cls(
            start=text.start,
            end=text.end,
            written=WrittenTextBody(
                title=text.title,
                sentences=[
                    WrittenSentenceBody(
                        text=one.text,
                        citations=[
                            ChapterCitationBody(start=each.said.start, end=each.said.end, quote=each.quote)
                            for each in one.citations
                        ],
                    )
                    for one in text.sentences
                ],
                written_by=model,
                written_at=text.written_at,
            ),
        )


class ChaptersEndEvent(BaseModel):
    """Nothing more will come."""

    incomplete: NoAnswerBody | None = Field(description="Why not all chapters were gone through; null where they were.")


@router.post(
    "/api/items/{item_id}/chapters/write",
    response_class=StreamingResponse,
    responses=stream_of({"chapter": ChapterWrittenEvent, "end": ChaptersEndEvent}),
    operation_id="writeChapters",
)
async def write(
    item_id: Id,
    *,
    caller: Uploader,
    components: ComponentsDep,
    request: Request,
    again: Annotated[
        bool, Query(description="Write of all chapters, those that were written of before included.")
    ] = False,
) -> StreamingResponse:
    """Have the server's language model write titles and summaries of a recording's chapters (docs/ask.md).

    It is sent what is said, without who says it. Each sentence and title is checked against that, and only what is supported is
    kept. The events are `chapter` for each chapter of which something was kept, and `end`. What is kept stays where the stream
    breaks off; ask again for the others.

    409 `chapters_not_written` where there is no language model, where the dataset's `chapters_by_model` is not set, and where
    it redacts anything for anybody; 409 `not_published` before the recording is published.
    """
    overviews = Overviews(components.database, components.aside, components.asking)
    wanted = await overviews.prepare(item_id, caller, again=again)
    model = components.asking.model

    def told(one: WrittenText | Ended) -> bytes:
        if isinstance(one, Ended):
            return event("end", ChaptersEndEvent(incomplete=NoAnswerBody.of(one)))
        return event("chapter", ChapterWrittenEvent.of(one, model="" if model is None else model.name))

    stopping = cast("asyncio.Event", request.app.state.stopping)
    frames = events_of(overviews.write(wanted, caller), told, stopping)
    return StreamingResponse(frames, media_type=EVENT_STREAM, headers=HEADERS)
