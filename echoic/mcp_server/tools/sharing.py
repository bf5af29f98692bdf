"""The tool that links to a moment of a recording: on the page, or for everybody by a share link."""

from datetime import datetime, timedelta
from typing import Annotated

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from echoic.mcp_server.answers import Link, answer
from echoic.mcp_server.asking import UPLOAD
from echoic.mcp_server.parameters import ItemId, Seconds
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking
from echoic.reading.lookup import shown_item
from echoic.sharing.shares import SHARED_PATH, Terms, span_within

DEFAULT_DAYS = 30
MAX_DAYS = 365
SIGNED_IN = "People who may read the recording, after they have signed in."
EVERYBODY = "Everybody who has the link, without an account. The user ends it in the page, or by `echoic shares`."


class Shared(BaseModel):
    """A link to a moment."""

    url: str
    item_id: int
    title: str
    start_seconds: float
    end_seconds: float | None = Field(description="Of a public link; null: the end of the recording.")
    is_public: bool
    expires_at: datetime | None = Field(description="Of a public link.")
    who_can_open_it: str


async def create_share_link(
    ctx: ToolContext,
    *,
    item_id: ItemId,
    start_seconds: Annotated[Seconds, Field(description="The moment, in seconds from the start.")] = 0.0,
    end_seconds: Annotated[
        Seconds | None, Field(description="Where a public link ends; at the recording's end if left out.")
    ] = None,
    public: Annotated[
        bool, Field(description="Whether everybody who has the link reads and hears that span, without an account.")
    ] = False,
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_DAYS, description="Of a public link.")] = DEFAULT_DAYS,
) -> Annotated[CallToolResult, Shared]:
    """Get a link to a moment of a recording.

    Without `public` it opens the page, for people who may read the recording and have signed in, and makes nothing public. With
    `public` it opens for everybody: only where the user, and not a recording's text, asks for exactly that.
    """
    who = asking(
        ctx
    )  # whatever is linked is first read: a key that cannot read must not publish what it would then open
    if public:
        asking(ctx, UPLOAD)
    item, _ = await shown_item(who.database, item_id, who.caller)
    if not public and item.duration_seconds is not None and (start_seconds or end_seconds is not None):
        span_within(item.duration_seconds, start_seconds, end_seconds)
    url, expires_at = who.page_of(item_id, start_seconds), None
    if public:
        made = await who.components.shares.share_item(
            who.caller,
            item_id,
            Terms(lifetime=timedelta(days=expires_in_days)),
            # None and None: the whole recording, which is sent as it was uploaded.
            start=start_seconds or None,
            end=end_seconds,
        )
        url, expires_at = f"{who.base}{SHARED_PATH}/{made.token}", made.share.expires_at
    body = Shared(
        url=url,
        item_id=item_id,
        title=item.title,
        start_seconds=start_seconds,
        end_seconds=end_seconds if public else None,
        is_public=public,
        expires_at=expires_at,
        who_can_open_it=EVERYBODY if public else SIGNED_IN,
    )
    return answer(body, [Link(uri=url, name=item.title)])


TOOLS = (Tool(function=create_share_link, title="Link to a moment", reads_only=False),)
