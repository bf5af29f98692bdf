"""The tool that reads a transcript, page by page."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Annotated

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from echoic.db.transcripts.transcripts import Selection
from echoic.errors import FieldInvalid
from echoic.mcp_server.answers import Link, answer
from echoic.mcp_server.parameters import ItemId, Seconds, Text
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking
from echoic.mcp_server.tools.reading_text import fitting, load, text_of

PAGE_CHARACTERS = 20_000
"""About 5,000 tokens: more than that at once crowds an agent's context."""
PAGE_SEGMENTS = 1_000
"""Segments loaded for a page; one of fewer than 20 characters is rare."""
MAX_CURSOR_CHARACTERS = 200


class TranscriptPage(BaseModel):
    """A page of a transcript."""

    item_id: int
    title: str
    language: str | None
    duration_seconds: float | None
    status: str
    version: int = Field(description="0 as the engines made it; every correction makes the next one.")
    speakers: list[str] = Field(description="Everybody who speaks in the recording: names, or labels.")
    text: str = Field(description="Paragraphs, each as `[h:mm:ss] speaker: words`.")
    start: float | None = Field(description="Seconds at which this page begins; null where it is empty.")
    end: float | None
    next_cursor: str | None = Field(description="`cursor` of the next page; null: this is the last one.")
    notices: list[str] = Field(
        description="What of the transcript was left out, guessed, cut or hidden, or why it is empty."
    )
    url: str = Field(description="This place on the page, to cite.")


async def get_transcript(
    ctx: ToolContext,
    *,
    item_id: ItemId,
    cursor: Annotated[
        str | None,
        Field(max_length=MAX_CURSOR_CHARACTERS, description="`next_cursor` of the last page; the rest as before."),
    ] = None,
    speaker: Annotated[Text | None, Field(description="Only what this speaker says: a name or a label.")] = None,
    start: Annotated[Seconds | None, Field(description="Seconds: only what ends after it.")] = None,
    end: Annotated[Seconds | None, Field(description="Seconds: only what begins before it.")] = None,
) -> Annotated[CallToolResult, TranscriptPage]:
    """Read a recording's transcript, about 20,000 characters at a time; all of it, one speaker, or a stretch of time.

    Call again with `cursor` for the next page. For a first look at a long recording call get_episode_overview.
    """
    who = asking(ctx)
    if start is not None and end is not None and end <= start:
        raise FieldInvalid("end: must be greater than start.")
    asked = [item_id, speaker, start, end]
    version, offset = (None, 0) if cursor is None else _place(cursor, asked)
    selected = Selection(speaker=speaker, start=start, end=end, offset=offset, limit=PAGE_SEGMENTS)
    item, found = await load(who, item_id, selected)
    if version is not None and version != found.version:
        raise FieldInvalid("cursor: the transcript was corrected meanwhile; ask without a cursor to read it again.")
    segments = found.transcript.segments
    count = fitting(segments, PAGE_CHARACTERS)
    after = offset + count
    text, _ = text_of(found.transcript, PAGE_CHARACTERS)
    begin = segments[0].start if segments else None
    url = who.page_of(item_id, begin)
    body = TranscriptPage(
        item_id=item_id,
        title=found.transcript.title,
        language=found.transcript.language,
        duration_seconds=found.transcript.duration_seconds,
        status=item.status,
        version=found.version,
        speakers=list(found.transcript.with_names().speakers),
        text=text,
        start=begin,
        end=segments[count - 1].end if count else None,
        next_cursor=_cursor(asked, found.version, after) if count and after < found.total_segments else None,
        notices=[notice.message for notice in found.transcript.notices],
        url=url,
    )
    return answer(body, [Link(uri=url, name=body.title)])


def _cursor(asked: Sequence[object], version: int, offset: int) -> str:
    text = json.dumps([_digest(asked), version, offset], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str, asked: Sequence[object]) -> tuple[int, int]:
    """Return the version and the place that a cursor names. Raises FieldInvalid for one of another question."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        digest, version, offset = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise FieldInvalid("cursor: is none of this tool; give `next_cursor` of the last page as it is.") from error
    if digest != _digest(asked):
        raise FieldInvalid("cursor: belongs to other arguments; give the same item_id, speaker, start and end.")
    if not (type(version) is int and type(offset) is int and offset >= 0):
        raise FieldInvalid("cursor: is none of this tool; give `next_cursor` of the last page as it is.")
    return version, offset


def _digest(asked: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(list(asked)).encode()).hexdigest()[:16]


TOOLS = (Tool(function=get_transcript, title="Read a transcript"),)
