"""The chapters of an item: as JSON, as a track of a player, or as feeds name them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from echoic.api.auth import Reader
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.parameters import Id
from echoic.api.problems import Problem
from echoic.db.transcripts.written_chapters import WrittenChapter
from echoic.formats.chapters import NamedStretch, podcast_json, webvtt
from echoic.reading.chapters import Chapter, Chapters, load_chapters

ChaptersFormat = Literal["vtt", "podcast"]
MEDIA_TYPES: Mapping[ChaptersFormat, str] = {
    "vtt": "text/vtt; charset=utf-8",
    "podcast": "application/json+chapters",
}

router = APIRouter(tags=["transcripts"], responses={"default": {"model": Problem}})


class ChapterSentenceBody(BaseModel):
    """A sentence that stands for a chapter, as it is said."""

    start: float
    end: float
    speaker: str | None = Field(description="Name, or label.", examples=["Ruth Sander"])
    text: str


class ChapterCitationBody(BaseModel):
    """A place on which a written sentence rests; it was checked that the words are said there."""

    start: float
    end: float
    quote: str = Field(description="Words that are said there.", examples=["we will close the harbor in May"])


class WrittenSentenceBody(BaseModel):
    """A sentence of a language model that is supported by what is said."""

    text: str = Field(examples=["The harbor closes in May."])
    citations: list[ChapterCitationBody] = Field(description="The places on which it rests.")


class WrittenTextBody(BaseModel):
    """A title and a summary that a language model wrote of a chapter, checked against what is said."""

    title: str | None = Field(
        description="null where the title did not stand the check.", examples=["The harbor closes in May"]
    )
    sentences: list[WrittenSentenceBody] = Field(description="The supported ones, in order.")
    written_by: str = Field(description="The language model.", examples=["llama3.1:8b"])
    written_at: UtcTime = Field(description="The time when it was written, in UTC.")

    @classmethod
    def of(cls, written: WrittenChapter) -> Self:
        """Return what was written as clients are told of it."""
        return cls(
            title=written.title,
            sentences=[WrittenSentenceBody.model_validate(one) for one in written.sentences],
            written_by=written.model,
            written_at=written.written_at,
        )


class ChapterBody(BaseModel):
    """A stretch of a recording that is about something."""

    start: float
    end: float = Field(description="Second at which the next chapter begins, or the recording ends.")
    title: str = Field(
        description="Names and words that it says more than the rest; `Chapter 2` where none stands out.",
        examples=["Harbor, budget, Ruth Sander"],
    )
    summary: list[ChapterSentenceBody] = Field(description="Sentences that stand for it, in order.")
    written: WrittenTextBody | None = Field(
        description="Title and summary by a language model, where somebody had them written; gone once the transcript is changed."
    )


class ChapterList(BaseModel):
    """The chapters of an item."""

    item_id: int
    version: int = Field(description="The version of the transcript that they were made of.", examples=[3])
    chapters: list[ChapterBody] = Field(description="In order, without gaps; none where nothing is said.")

    @classmethod
    def of(cls, item_id: int, version: int, chapters: Sequence[Chapter]) -> Self:
        """Return chapters as clients are told of them."""
        return cls(
            item_id=item_id,
            version=version,
            chapters=[
                ChapterBody(
                    start=one.start,
                    end=one.end,
                    title=one.title,
                    summary=[ChapterSentenceBody.model_validate(said, from_attributes=True) for said in one.summary],
                    written=None if one.written is None else WrittenTextBody.of(one.written),
                )
                for one in chapters
            ],
        )


@router.get("/api/items/{item_id}/chapters", operation_id="listChapters")
async def list_chapters(item_id: Id, caller: Reader, components: ComponentsDep) -> ChapterList:
    """The chapters of a recording with titles and sentences, found without a language model when they are asked for.

    They are those of the transcript as it is now and as your role reads it. Without vectors of the segments, or where it is
    too short, the recording is one chapter. 409 `not_published` before it is published.
    """
    found = await components.aside.read(lambda database: load_chapters(database, item_id, caller))
    return ChapterList.of(item_id, found.version, found.chapters)


@router.get(
    "/api/items/{item_id}/chapters/file",
    operation_id="downloadChapters",
    response_class=Response,
    responses={
        200: {
            "description": "The chapters in the format asked for.",
            "content": {
                "text/vtt": {"schema": {"type": "string"}},
                "application/json+chapters": {"schema": {"type": "string"}},
            },
        }
    },
)
async def download(
    item_id: Id,
    caller: Reader,
    components: ComponentsDep,
    form: Annotated[
        ChaptersFormat,
        Query(alias="format", description="`vtt`: WebVTT; `podcast`: the JSON of Podcasting 2.0."),
    ] = "vtt",
) -> Response:
    """The same chapters as a file: a track for players (WebVTT), or the JSON that feeds name in `podcast:chapters`."""
    found = await components.aside.read(lambda database: load_chapters(database, item_id, caller))
    return Response(in_format(found, form), media_type=MEDIA_TYPES[form])


def in_format(found: Chapters, form: ChaptersFormat) -> str:
    """Return the chapters of a recording as the text of a file."""
    stretches = [NamedStretch(start=one.start, end=one.end, title=one.title) for one in found.chapters]
    return webvtt(stretches) if form == "vtt" else podcast_json(stretches, title=found.title)
