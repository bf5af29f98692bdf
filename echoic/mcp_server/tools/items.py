"""Tools for recordings: the newest, a first look at one, and how far its transcription is."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Self

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from echoic.db.items.listed_items import ItemFilters
from echoic.db.items.shown_items import ShownItem
from echoic.db.transcripts.transcripts import SelectedTranscript
from echoic.errors import NotPublished, OriginalWithheld, TranscriptRemoved
from echoic.mcp_server.answers import Link, Page, answer, next_offset
from echoic.mcp_server.asking import Asking
from echoic.mcp_server.parameters import DEFAULT_PAGE, DatasetId, ItemId, Limit, Offset, Text
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking
from echoic.mcp_server.tools.reading_text import load
from echoic.reading.chapters import Chapter, load_chapters
from echoic.reading.details import Details, details
from echoic.reading.item_lists import list_of_dataset, list_seen
from echoic.reading.item_states import is_on_hold, shown_status
from echoic.reading.lookup import shown_item
from echoic.records import Segment

MAX_ENTITIES = 20
MAX_EXCERPTS = 12
EXCERPT_CHARACTERS = 200
MAX_WAIT_SECONDS = 50
"""Clients give a call up after 60 s (the default of the SDK in TypeScript)."""
POLL_SECONDS = 1.0
"""Between two looks at an item that is waited for, as the stream of events has it."""
ENDED = ("published", "failed", "cancelled")


class Recording(BaseModel):
    """A recording in a list."""

    item_id: int
    title: str
    description: str | None
    dataset_id: int
    source_type: str
    language: str | None
    duration_seconds: float | None
    published_at: datetime | None
    speakers: list[str] = Field(description="Names, or labels where nobody has one.")
    url: str


class Recordings(Page):
    """One page of recordings, the newest first."""

    recordings: list[Recording]


async def list_recent_transcripts(
    ctx: ToolContext,
    *,
    limit: Limit = DEFAULT_PAGE,
    offset: Offset = 0,
    dataset_id: DatasetId = None,
    speaker: Annotated[Text | None, Field(description="Only recordings in which somebody of this name speaks.")] = None,
) -> Annotated[CallToolResult, Recordings]:
    """List the newest transcribed recordings that the user may read."""
    who = asking(ctx)
    filters = ItemFilters(states=["published"], speaker=speaker)
    if dataset_id is None:
        page = await who.components.reads.run(
            lambda database: list_seen(
                database, who.caller, filters=filters, order="newest", limit=limit, offset=offset
            )
        )
    else:
        page = await list_of_dataset(
            who.database, dataset_id, who.caller, filters=filters, order="newest", limit=limit, offset=offset
        )
    body = Recordings(
        recordings=[_recording(item, who) for item in page.items],
        total=page.total,
        next_offset=next_offset(offset=offset, shown=len(page.items), total=page.total),
    )
    return answer(body, (Link(uri=one.url, name=one.title) for one in body.recordings))


def _recording(item: ShownItem, who: Asking) -> Recording:
    return Recording(
        item_id=item.id,
        title=item.title,
        description=item.description,
        dataset_id=item.dataset_id,
        source_type=item.source_type,
        language=item.language,
        duration_seconds=item.duration_seconds,
        published_at=item.published_at,
        speakers=sorted(item.speakers),
        url=who.page_of(item.id),
    )


class Voice(BaseModel):
    """Somebody who speaks in a recording."""

    label: str = Field(description="As in the transcript.")
    name: str | None
    seconds: float = Field(description="The time they speak.")
    first_at: float = Field(description="Seconds at which they are first heard.")


class Named(BaseModel):
    """A name that is said in a recording."""

    type: str = Field(description="person, organization, place or product.")
    name: str
    mentions: int


class Excerpt(BaseModel):
    """The beginning of what is said at a time."""

    start: float
    speaker: str | None
    text: str
    url: str


class ChapterStart(BaseModel):
    """The beginning of a chapter of a recording."""

    start: float
    title: str
    url: str


class Overview(BaseModel):
    """A first look at a recording."""

    item_id: int
    title: str
    description: str | None
    status: str
    dataset_id: int
    source_type: str
    language: str | None
    duration_seconds: float | None
    published_at: datetime | None
    has_transcript: bool
    speakers: list[Voice]
    entities: list[Named] = Field(description="The names that are said most.")
    chapters: list[ChapterStart] = Field(
        description="Where it turns to what, found by meaning; none before it is read."
    )
    excerpts: list[Excerpt] = Field(description="What is said at times spread evenly over the recording.")
    notices: list[str] = Field(description="What of the transcript was left out, guessed, cut or hidden.")
    url: str


async def get_episode_overview(ctx: ToolContext, item_id: ItemId) -> Annotated[CallToolResult, Overview]:
    """Get a small first look at a recording: who speaks for how long, which names are said, what is said when.

    Call it before get_transcript: it takes a fraction of the tokens.
    """
    who = asking(ctx)
    item, policy = await shown_item(who.database, item_id, who.caller)
    known = await details(who.database, who.components.aside, item, policy)
    found: SelectedTranscript | None = None
    chapters: tuple[Chapter, ...] = ()
    if known.has_transcript:
        try:
            _, found = await load(who, item_id)
            aside = who.components.aside
            chapters = (await aside.read(lambda other: load_chapters(other, item_id, who.caller))).chapters
        except (NotPublished, OriginalWithheld, TranscriptRemoved):  # deleted, hidden or taken up again since then
            found = None
    body = _overview(who, known, found, chapters)
    return answer(
        body, [Link(uri=body.url, name=body.title), *(Link(uri=e.url, name=body.title) for e in body.excerpts)]
    )


def _overview(who: Asking, known: Details, found: SelectedTranscript | None, chapters: Sequence[Chapter]) -> Overview:
    item = known.item
    return Overview(
        item_id=item.id,
        title=item.title,
        description=item.description,
        status=shown_status(item.status),
        dataset_id=item.dataset_id,
        source_type=item.source_type,
        language=item.language,
        duration_seconds=item.duration_seconds,
        published_at=item.published_at,
        has_transcript=known.has_transcript,
        speakers=[] if found is None else _voices(found),
        entities=[
            Named(type=entity.type, name=entity.name, mentions=entity.mentions)
            for entity in known.entities[:MAX_ENTITIES]
        ],
        chapters=[
            ChapterStart(start=one.start, title=one.title, url=who.page_of(item.id, one.start)) for one in chapters
        ],
        excerpts=[] if found is None else list(_excerpts(who, item.id, found)),
        notices=[notice["message"] for notice in item.notices],
        url=who.page_of(item.id),
    )


def _voices(found: SelectedTranscript) -> list[Voice]:
    """Return who speaks, in order of appearance."""
    by_label: dict[str, list[Segment]] = {}
    for segment in found.transcript.segments:
        if segment.speaker is not None:
            by_label.setdefault(segment.speaker, []).append(segment)
    return [
        Voice(
            label=label,
            name=found.transcript.names.get(label),
            seconds=round(sum(segment.end - segment.start for segment in spoken), 1),
            first_at=spoken[0].start,
        )
        for label, spoken in by_label.items()
    ]


def _excerpts(who: Asking, item_id: int, found: SelectedTranscript) -> Iterator[Excerpt]:
    segments = [segment for segment in found.transcript.with_names().segments if segment.text.strip()]
    count = min(MAX_EXCERPTS, len(segments))
    for number in range(count):
        segment = segments[number * len(segments) // count]
        yield Excerpt(
            start=segment.start,
            speaker=segment.speaker,
            text=segment.text.strip()[:EXCERPT_CHARACTERS],
            url=who.page_of(item_id, segment.start),
        )


class Problem(BaseModel):
    """Why a transcription failed."""

    code: str
    stage: str | None
    message: str | None


class Status(BaseModel):
    """The state of a transcription."""

    item_id: int
    title: str
    status: str = Field(description="queued → processing → published; or failed, cancelled.")
    on_hold: bool = Field(description="True where nothing starts by itself.")
    stage: str | None = Field(description="The stage that is being worked on or waited for.")
    progress_seconds: float | None = Field(description="Seconds of audio this stage is through with.")
    duration_seconds: float | None
    error: Problem | None
    notices: list[str]
    is_done: bool = Field(description="True where nothing more will change by itself.")
    next_step: str = Field(description="What to do now.")
    url: str

    @classmethod
    def of(cls, item: ShownItem, who: Asking) -> Self:
        """Return the state of an item."""
        status = shown_status(item.status)
        is_done = status in ENDED or is_on_hold(item.status)
        error = None
        if item.error_code is not None:
            error = Problem(code=item.error_code, stage=item.error_stage, message=item.error_message)
        return cls(
            item_id=item.id,
            title=item.title,
            status=status,
            on_hold=is_on_hold(item.status),
            stage=item.stage,
            progress_seconds=item.progress_seconds,
            duration_seconds=item.duration_seconds,
            error=error,
            notices=[notice["message"] for notice in item.notices],
            is_done=is_done,
            next_step=_next_step(item),
            url=who.page_of(item.id),
        )


def _next_step(item: ShownItem) -> str:
    if is_on_hold(item.status):
        return "Its dataset does not transcribe on arrival; the user can start it on the page."
    if item.status == "published":
        return f"Read it: get_episode_overview or get_transcript with item_id {item.id}."
    if item.status in ("failed", "cancelled"):
        return "Tell the user what went wrong; the page offers to try again."
    return "Call get_transcription_status again with wait_seconds, or come back later: long recordings take minutes."


async def get_transcription_status(
    ctx: ToolContext,
    *,
    item_id: ItemId,
    wait_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_WAIT_SECONDS,
            description="Wait so long for the end before answering; progress is told meanwhile.",
        ),
    ] = 0,
) -> Annotated[CallToolResult, Status]:
    """Tell how far the transcription of a recording is, waiting for its end if wanted."""
    who = asking(ctx)
    item = await wait_for(ctx, who, item_id, wait_seconds)
    return answer(Status.of(item, who), [Link(uri=who.page_of(item_id), name=item.title)])


async def wait_for(ctx: ToolContext, who: Asking, item_id: int, wait_seconds: float) -> ShownItem:
    """Return an item when its transcription has ended, or after so long; tells the client of progress meanwhile."""
    until = time.monotonic() + wait_seconds
    told = -1.0
    while True:
        item, _ = await shown_item(who.database, item_id, who.caller)
        if item.status in ENDED or is_on_hold(item.status) or time.monotonic() >= until:
            return item
        reached, stages = _progress(item, who)
        if reached > told:  # the protocol lets it only rise
            told = reached
            await ctx.report_progress(reached, stages, item.stage or "waiting")
        await asyncio.sleep(min(POLL_SECONDS, max(until - time.monotonic(), 0)))


def _progress(item: ShownItem, who: Asking) -> tuple[float, float]:
    """Return the stages done, with the part of the present one that is done, and how many there are."""
    stages = who.components.runs.stages
    done = stages.index(item.stage) if item.stage in stages else 0
    part = 0.0
    if item.progress_seconds is not None and item.duration_seconds:
        part = min(item.progress_seconds / item.duration_seconds, 1.0)
    return round(done + part, 3), float(len(stages))


TOOLS = (
    Tool(function=get_episode_overview, title="Look at a recording"),
    Tool(function=list_recent_transcripts, title="List the newest transcripts"),
    Tool(function=get_transcription_status, title="Follow a transcription"),
)
