"""Names that were said in a library's recordings or that a voice suggests, for speakers whom nobody has named."""

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from pydantic import BaseModel, Field

from echoic import access
from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.item_speakers import SuggestionBody, suggestions_for, suggests_by_voice
from echoic.api.parameters import DEFAULT_LIMIT, Limit, Offset, Slug
from echoic.api.problems import Problem
from echoic.api.speakers import SampleBody
from echoic.db.connect import Database
from echoic.db.items.items import Item
from echoic.db.speakers import appearances, unnamed
from echoic.db.transcripts import transcripts
from echoic.names.introductions import SAID, suggest_names
from echoic.reading.lookup import readable_library
from echoic.records import Segment

router = APIRouter(tags=["speakers"], responses={"default": {"model": Problem}})


class UnnamedBody(BaseModel):
    """Somebody who speaks in an item, and whose name may have been said there or is suggested by the voice."""

    item_id: int
    title: str = Field(description="The item's.")
    label: str
    seconds: float = Field(description="The time they speak there.")
    sample: SampleBody = Field(description="The longest that they say at once.")
    suggestions: list[SuggestionBody] = Field(description="The likeliest first.")


class UnnamedList(BaseModel):
    """Speakers without a name for whom one is suggested, those in the newest items first."""

    unnamed: list[UnnamedBody] = Field(description="The speakers of this page.")
    limit: int
    offset: int
    has_more: bool = Field(description="Whether there are further items to look through.")


@router.get("/api/libraries/{slug}/suggestions", operation_id="listSpeakerSuggestions")
async def list_suggestions(
    slug: Slug, caller: Reader, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> UnnamedList:
    """Names for speakers of whom nobody said who they are; nobody has such a name until you say so.

    A name is suggested because it was said in the recording, or because the voice is like that of somebody known, but not
    enough to be named by it; the latter is for members of the library alone.

    `limit` and `offset` count items, of which each may have several such speakers, or none after a closer look. To say
    yes, name the label; to say no, take the name away from it (`DELETE /api/items/{item_id}/speakers/{label}`).
    """

    async def work(database: Database) -> UnnamedList:
        async with database.transaction() as session:
            view = await readable_library(session, slug, caller)
            found = await unnamed.items_to_name(
                session,
                view.library.id,
                account_id=caller.account_id,
                pattern=SAID,
                published_only=not access.sees_unpublished(view.role),
                limit=limit + 1,
                offset=offset,
            )
            by_voice = await suggests_by_voice(session, view)
            bodies: list[UnnamedBody] = []
            for item in found[:limit]:
                transcript = await transcripts.transcript_of(session, item)
                if transcript is None:
                    continue
                labels = await appearances.list_labels(session, transcript.id)
                segments = [
                    transcripts.as_record(row) for row in await transcripts.list_segments(session, transcript.id)
                ]
                bodies += await asyncio.to_thread(
                    _unnamed,
                    item,
                    segments,
                    {one.label: one for one in labels if one.how is None},
                    by_voice=by_voice,
                )
        return UnnamedList(unnamed=bodies, limit=limit, offset=offset, has_more=len(found) > limit)

    return await components.aside.run(work)


def _unnamed(
    item: Item, segments: Sequence[Segment], labels: Mapping[str, appearances.LabelView], *, by_voice: bool
) -> list[UnnamedBody]:
    suggested = suggest_names(segments)
    return [
        UnnamedBody(
            item_id=item.id,
            title=item.title,
            label=label,
            seconds=view.seconds,
            sample=_sample(item, [segment for segment in segments if segment.speaker == label]),
            suggestions=suggestions,
        )
        for label, view in labels.items()
        if (suggestions := suggestions_for(view, suggested.get(label, []), by_voice=by_voice))
    ]


def _sample(item: Item, segments: Sequence[Segment]) -> SampleBody:
    longest = max(segments, key=lambda segment: segment.end - segment.start)
    return SampleBody(item_id=item.id, start=longest.start, end=longest.end)
