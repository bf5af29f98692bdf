"""Lists of items: those of a dataset, and all that somebody may see."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep, base_url
from echoic.api.items import ItemFields, item_fields
from echoic.api.names import MAX_NAME_CHARACTERS
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.compose import Components
from echoic.db.items.items import ItemOrder, ItemStatus
from echoic.db.items.listed_items import ItemFilters, ItemPage
from echoic.intake.fields import MAX_TITLE_CHARACTERS
from echoic.intake.run_options import LANGUAGE_PATTERN
from echoic.reading import item_lists
from echoic.reading.item_states import ASKED, states_of

router = APIRouter(tags=["items"], responses={"default": {"model": Problem}})


class ItemBody(ItemFields):
    """An item in a list."""

    speakers: list[str] = Field(
        description="The speakers, by name where it is known, else by label; sorted.",
        examples=[["Ruth Sander", "SPEAKER_01"]],
    )


class ItemList(BaseModel):
    """One page of items."""

    items: list[ItemBody]
    total: int
    limit: int
    offset: int


async def item_filters(
    *,
    status: Annotated[ItemStatus | None, Query(description=ASKED)] = None,
    title: Annotated[
        str | None,
        Query(
            max_length=MAX_TITLE_CHARACTERS, pattern=NO_NUL, description="Part of the title, in upper or lower case."
        ),
    ] = None,
    language: Annotated[
        str | None,
        Query(pattern=LANGUAGE_PATTERN, description="Only what is said in this language, by its ISO 639 code."),
    ] = None,
    speaker: Annotated[
        str | None,
        Query(
            max_length=MAX_NAME_CHARACTERS,
            pattern=NO_NUL,
            description="Only recordings in which somebody of this name is known to speak.",
        ),
    ] = None,
) -> ItemFilters:
    """Return the filters of a list of items."""
    return ItemFilters(states=states_of(status), title=title or None, language=language, speaker=speaker or None)


Filters = Annotated[ItemFilters, Depends(item_filters)]


@router.get("/api/items", operation_id="listItems")
async def list_seen(
    *,
    caller: Reader,
    components: ComponentsDep,
    request: Request,
    filters: Filters,
    order: Annotated[ItemOrder, Query(description="Of equals, the newest comes first.")] = "newest",
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ItemList:
    """All items that you may see, the newest first unless asked for otherwise.

    Items of libraries that you are a member of are in every state; items of other public libraries are published.
    """
    page = await components.reads.run(
        lambda database: item_lists.list_seen(
            database, caller, filters=filters, order=order, limit=limit, offset=offset
        )
    )
    return _list_body(page, request, components, limit=limit, offset=offset)


@router.get("/api/datasets/{dataset_id}/items", operation_id="listDatasetItems")
async def list_of_dataset(
    dataset_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    request: Request,
    filters: Filters,
    order: Annotated[ItemOrder, Query(description="Of equals, the newest comes first.")] = "newest",
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ItemList:
    """A dataset's items, the newest first unless asked for otherwise.

    Members of its library see items in every state; for everybody else only published ones exist.
    """
    page = await components.reads.run(
        lambda database: item_lists.list_of_dataset(
            database, dataset_id, caller, filters=filters, order=order, limit=limit, offset=offset
        )
    )
    return _list_body(page, request, components, limit=limit, offset=offset)


def _list_body(page: ItemPage, request: Request, components: Components, *, limit: int, offset: int) -> ItemList:
    base = base_url(request, components)
    bodies = [ItemBody(**item_fields(item, base), speakers=sorted(item.speakers)) for item in page.items]
    return ItemList(items=bodies, total=page.total, limit=limit, offset=offset)
