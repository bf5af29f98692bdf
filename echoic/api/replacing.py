"""Find and replace in all transcripts of a dataset: first what would change, then the change, a version of each item."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Uploader
from echoic.api.batches import MAX_ITEMS, REFUSALS, ItemId, RefusedItem
from echoic.api.bodies import WHOLE, read_json
from echoic.api.context import ComponentsDep
from echoic.api.corrections import ExpectedBody, TextReplacement, correctable
from echoic.api.openapi import json_body
from echoic.api.parameters import MAX_ID, Id
from echoic.api.problems import Problem
from echoic.corrections import edit
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.errors import ItemNotFound
from echoic.reading.lookup import readable_dataset
from echoic.reading.redacted import require_original

DEFAULT_ITEMS = 20
SHOWN_LINES = 3
"""Lines of an item that are shown as examples."""

router = APIRouter(tags=["corrections"], responses={"default": {"model": Problem}})

WHATEVER_VERSION = ExpectedBody()


class DatasetReplacement(TextReplacement):
    """A text to replace, and the published items of the dataset to replace it in."""

    preview: bool = Field(default=False, description="Only say what would change.")
    items: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_ITEMS)] | None = Field(
        default=None, description="Only in these; null or left out: in all."
    )
    after: Annotated[int, Field(ge=0, le=MAX_ID), WHOLE] = Field(
        default=0, description="Go on behind this item: the `next_after` of the answer before."
    )
    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS), WHOLE] = Field(
        default=DEFAULT_ITEMS, description="Look into so many items at most."
    )


class ReplacedLine(BaseModel):
    """A segment before and after."""

    id: int = Field(description="The segment's place in the transcript, from 0.")
    before: str = Field(description="Its text before.")
    after: str = Field(description="Its text after.")


class ReplacedItem(BaseModel):
    """An item in which the text was found."""

    item_id: int
    title: str
    version: int = Field(description="The present one of its transcript.")
    replacements: int
    segments_changed: int
    lines: list[ReplacedLine] = Field(description=f"The first {SHOWN_LINES} segments that change.")


class DatasetReplaced(BaseModel):
    """The replacements made, or to be made, in the items that were looked into."""

    items: list[ReplacedItem] = Field(description="The items in which the text was found.")
    refused: list[RefusedItem]
    next_after: int | None = Field(description="Ask again with this as `after`; null: these were the last items.")


@router.post(
    "/api/datasets/{dataset_id}/replace", openapi_extra=json_body(DatasetReplacement), operation_id="replaceInDataset"
)
async def replace_in_dataset(
    dataset_id: Id, caller: Uploader, components: ComponentsDep, request: Request
) -> DatasetReplaced:
    """Replace a text wherever transcripts of the dataset say it; each item changed gets a version of its own.

    A request looks into `limit` items, in the order of their ids, and says where to go on.
    """
    wanted = await read_json(request, DatasetReplacement)

    async def work(database: Database) -> DatasetReplaced:
        async with database.transaction() as session:
            view = await readable_dataset(session, dataset_id, caller)
            access.require_dataset_change(visibility=view.library.visibility, role=view.role)
            require_original(view)
            if wanted.items and not await items.ids_in_dataset(session, dataset_id, among_ids=wanted.items):
                raise ItemNotFound
            ids = await items.ids_in_dataset(
                session,
                dataset_id,
                after_id=wanted.after,
                limit=wanted.limit + 1,
                among_ids=wanted.items,
                published_only=True,
            )
        is_last = len(ids) <= wanted.limit
        ids = ids[: wanted.limit]
        body = DatasetReplaced(items=[], refused=[], next_after=None if is_last else ids[-1])
        for item_id in ids:
            try:
                async with database.transaction() as session:
                    found = await _in_item(session, item_id, caller, wanted)
            except REFUSALS as error:
                body.refused.append(RefusedItem.of(item_id, error))
            else:
                if found.segments_changed:
                    body.items.append(found)
        return body

    return await components.aside.run(work)


async def _in_item(session: AsyncSession, item_id: int, caller: Caller, wanted: DatasetReplacement) -> ReplacedItem:
    view, transcript = await correctable(session, item_id, caller, WHATEVER_VERSION)
    if wanted.preview:
        found = await edit.find_text(session, transcript, wanted.meant())
    else:
        _, found = await edit.replace_text(session, transcript, wanted.meant(), account_id=caller.account_id)
    lines = [ReplacedLine(id=place, before=found.before[place], after=text) for place, text in found.after.items()]
    return ReplacedItem(
        item_id=item_id,
        title=view.item.title,
        version=transcript.version,
        replacements=found.replacements,
        segments_changed=len(lines),
        lines=lines[:SHOWN_LINES],
    )
