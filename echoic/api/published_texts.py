"""Texts that publishers give with their episodes, beside an item's own transcript: listed, read, and as they came."""

import asyncio
from collections.abc import Sequence
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from echoic.access import Caller
from echoic.api.auth import Reader
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.downloads import disposition
from echoic.api.feeds import FeedFailure
from echoic.api.parameters import Id
from echoic.api.problems import Problem
from echoic.db.items.items import ItemView
from echoic.db.sources import published
from echoic.db.sources.published import PublishedKind, PublishedState, PublishedText
from echoic.errors import NotPublished, PublishedTextNotFound
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import require_original
from echoic.records import PublishedForm
from echoic.sources.addresses import host_of
from echoic.sources.feed.published import PublishedChapter, PublishedSegment, read_chapters, read_transcript

WITHHELD = "A publisher's text is not redacted, and your role may not read the original."
HTML_AS = "text/plain; charset=utf-8"
"""A page of a stranger is never sent as a page of this server."""
_MEDIA: dict[PublishedForm, str] = {
    "vtt": "text/vtt; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "json": "application/json",
    "html": HTML_AS,
    "txt": HTML_AS,
}

OTHERWISE: PublishedForm = "txt"

router = APIRouter(tags=["transcripts"], responses={"default": {"model": Problem}})


class PublishedTextFields(BaseModel):
    """A transcript or the chapters of an episode by its publisher, and whether it could be fetched."""

    id: int
    kind: PublishedKind = Field(description="Whether it says what is spoken, or where the chapters begin.")
    state: PublishedState = Field(description="`waiting`: it is still to be fetched.")
    error: FeedFailure | None = Field(description="Why it could not be fetched or read; null where it could.")
    source: str = Field(description="The host that it comes from.", examples=["transcripts.example.com"])
    language: str | None = Field(description="As the feed writes it.", examples=["en-us"])
    form: PublishedForm | None = Field(description="By its content, whatever the feed says; null until it is kept.")
    size_bytes: int | None = Field(description="As it came.")
    fetched_at: UtcTime | None = Field(description="When it was asked for last.")


class PublishedTextList(BaseModel):
    """The texts that an item's publisher gives with it."""

    item_id: int
    texts: list[PublishedTextFields] = Field(description="In the order in which the feed names them.")


class PublishedSegmentBody(BaseModel):
    """A stretch of a publisher's transcript."""

    start: float | None = Field(description="Null where the form has no times.")
    end: float | None = Field(description="Null where the form has no times, or no ends.")
    speaker: str | None = Field(description="By the publisher's word.", examples=["Ruth Sander"])
    text: str


class PublishedChapterBody(BaseModel):
    """A chapter by the publisher's word."""

    start: float
    end: float | None = Field(description="Second at which the next begins; null for the last.")
    title: str = Field(examples=["The harbor"])


class PublishedTextBody(PublishedTextFields):
    """A publisher's text, read."""

    segments: list[PublishedSegmentBody] = Field(description="Of a transcript; cues are joined to sentences.")
    chapters: list[PublishedChapterBody] = Field(description="Of chapters.")

    @classmethod
    def read(
        cls,
        fields: PublishedTextFields,
        segments: Sequence[PublishedSegment],
        chapters: Sequence[PublishedChapter],
    ) -> Self:
        """Return a text with what is said in it."""
        return cls(
            **fields.model_dump(),
            segments=[PublishedSegmentBody.model_validate(one, from_attributes=True) for one in segments],
            chapters=[PublishedChapterBody.model_validate(one, from_attributes=True) for one in chapters],
        )


@router.get("/api/items/{item_id}/published-texts", operation_id="listPublishedTexts")
async def list_texts(item_id: Id, caller: Reader, components: ComponentsDep) -> PublishedTextList:
    """The transcripts and chapters that the publisher gives with an episode. They are neither searched nor changed."""
    async with components.database.transaction() as session:
        await readable_item(session, item_id, caller)
        found = await published.list_of_item(session, item_id)
    return PublishedTextList(item_id=item_id, texts=[_fields(one) for one in found])


@router.get("/api/items/{item_id}/published-texts/{text_id}", operation_id="getPublishedText")
async def get(item_id: Id, text_id: Id, caller: Reader, components: ComponentsDep) -> PublishedTextBody:
    """A publisher's text, read: the segments of a transcript, or chapters; 409 `not_published` until it is kept."""
    async with components.database.transaction() as session:
        _, found, body = await _kept(session, item_id, text_id, caller)
        fields = _fields(found)
    return await asyncio.to_thread(_read, fields, body)


@router.get(
    "/api/items/{item_id}/published-texts/{text_id}/file",
    operation_id="downloadPublishedText",
    response_class=Response,
    responses={
        200: {
            "description": "The file as the publisher wrote it, in UTF-8; a page of HTML as plain text.",
            "content": {
                "text/vtt": {"schema": {"type": "string"}},
                "application/x-subrip": {"schema": {"type": "string"}},
                "application/json": {"schema": {}, "example": {"segments": [{"startTime": 0.5, "body": "Welcome."}]}},
                "text/plain": {"schema": {"type": "string"}},
            },
        }
    },
)
async def download(item_id: Id, text_id: Id, caller: Reader, components: ComponentsDep) -> Response:
    """A publisher's text as it came."""
    async with components.database.transaction() as session:
        view, found, body = await _kept(session, item_id, text_id, caller)
    form = found.form or OTHERWISE
    attached = disposition(view.item.title, form, otherwise=found.kind).replace("inline", "attachment", 1)
    return Response(body, media_type=_MEDIA[form], headers={"Content-Disposition": attached})


async def _kept(
    session: AsyncSession, item_id: int, text_id: int, caller: Caller
) -> tuple[ItemView, PublishedText, str]:
    view = await readable_item(session, item_id, caller)
    require_original(view, WITHHELD)
    found = await published.find(session, item_id, text_id)
    if found is None:
        raise PublishedTextNotFound
    if found.body is None:
        raise NotPublished("The publisher's text was not fetched yet, or could not be; its state says which.")
    return view, found, found.body


def _fields(text: PublishedText) -> PublishedTextFields:
    error = None
    if text.error_code is not None:
        error = FeedFailure(code=text.error_code, message=text.error_message or "")
    return PublishedTextFields(
        id=text.id,
        kind=text.kind,
        state=text.state,
        error=error,
        source=host_of(text.url),
        language=text.language,
        form=text.form,
        size_bytes=text.size_bytes,
        fetched_at=text.fetched_at,
    )


def _read(fields: PublishedTextFields, body: str) -> PublishedTextBody:
    if fields.kind == "chapters":
        return PublishedTextBody.read(fields, (), read_chapters(body))
    return PublishedTextBody.read(fields, read_transcript(body, fields.form or OTHERWISE), ())
