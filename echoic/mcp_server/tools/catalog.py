"""The tool that lists datasets, where recordings are and where new ones can go."""

from typing import Annotated, Self

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from echoic.access import UPLOAD_ROLES
from echoic.db.catalog.datasets import ItemCount, count_items, list_datasets
from echoic.db.catalog.libraries import DatasetView
from echoic.mcp_server.answers import Page, answer, next_offset
from echoic.mcp_server.parameters import DEFAULT_PAGE, Library, Limit, Offset
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking

UPLOADS = "uploads"
"""The kind of dataset that takes files."""


class DatasetSeen(BaseModel):
    """A dataset, with what the user may do there."""

    dataset_id: int
    name: str
    description: str | None
    library: str = Field(description="Slug of its library.")
    library_name: str
    is_public: bool
    role: str | None = Field(description="The user's in the library: owner, editor, viewer; null: no member.")
    can_upload: bool = Field(description="Whether transcribe_audio may put recordings there.")
    auto_transcribe: bool = Field(description="False: recordings wait there until somebody starts their transcription.")
    requires_title_and_description: bool
    allowed_formats: list[str]
    max_file_size_mb: int
    published_recordings: int

    @classmethod
    def of(cls, view: DatasetView, count: ItemCount) -> Self:
        """Return a dataset as its caller sees it."""
        dataset = view.dataset
        return cls(
            dataset_id=dataset.id,
            name=dataset.name,
            description=dataset.description,
            library=view.library.slug,
            library_name=view.library.name,
            is_public=view.library.visibility == "public",
            role=view.role,
            can_upload=may_upload(view),
            auto_transcribe=dataset.auto_transcribe,
            requires_title_and_description=dataset.require_metadata,
            allowed_formats=list(dataset.allowed_formats),
            max_file_size_mb=dataset.max_file_size_mb,
            published_recordings=count.published,
        )


class Datasets(Page):
    """One page of datasets, in the order in which they were made."""

    datasets: list[DatasetSeen]


def may_upload(view: DatasetView) -> bool:
    """Return whether a dataset takes recordings from the caller."""
    return view.role in UPLOAD_ROLES and view.dataset.content_type == UPLOADS


async def list_my_datasets(
    ctx: ToolContext, library: Library = None, limit: Limit = DEFAULT_PAGE, offset: Offset = 0
) -> Annotated[CallToolResult, Datasets]:
    """List the datasets that the user may read, with their libraries and whether recordings may be added there."""
    who = asking(ctx)
    async with who.database.transaction() as session:
        page = await list_datasets(
            session, account_id=who.caller.account_id, library_slug=library, limit=limit, offset=offset
        )
        counts = await count_items(session, [view.dataset.id for view in page.views])
    body = Datasets(
        datasets=[DatasetSeen.of(view, counts.get(view.dataset.id, ItemCount())) for view in page.views],
        total=page.total,
        next_offset=next_offset(offset=offset, shown=len(page.views), total=page.total),
    )
    return answer(body)


TOOLS = (Tool(function=list_my_datasets, title="List datasets"),)
