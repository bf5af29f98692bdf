"""Lists of items: those of a dataset, and all that somebody may see."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from echoic import access
from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep, base_url
from echoic.api.item_states import ASKED, states_of
from echoic.api.items import ItemBody, item_fields
from echoic.api.lookup import DEFAULT_LIMIT, Id, Limit, Offset, sight_of_dataset
from echoic.api.problems import Problem
from echoic.compose import Components
from echoic.db.items import shown_items
from echoic.db.items.items import ItemOrder, ItemStatus
from echoic.db.items.shown_items import ShownItem

router = APIRouter(tags=["items"], responses={"default": {"model": Problem}})


class ItemList(BaseModel):
    """One page of items."""

    items: list[ItemBody]
    total: int
    limit: int
    offset: int


@router.get("/api/items")
async def list_seen(
    *,
    caller: Reader,
    components: ComponentsDep,
    request: Request,
    status: Annotated[ItemStatus | None, Query(description=ASKED)] = None,
    order: Annotated[ItemOrder, Query(description="Of equals, the newest comes first.")] = "newest",
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ItemList:
    """All items that you may see, the newest first unless asked for otherwise.

    Items of libraries that you are a member of are in every state; items of other public libraries are published.
    """
    page = await shown_items.list_seen_items(
        components.database,
        account_id=caller.account_id,
        states=states_of(status),
        order=order,
        limit=limit,
        offset=offset,
    )
    found = [item if access.sees_work(role) else item.without_work() for item, role in page.items]
    return _list_body(found, request, components, total=page.total, limit=limit, offset=offset)


@router.get("/api/datasets/{dataset_id}/items")
async def list_of_dataset(
    dataset_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    request: Request,
    status: Annotated[ItemStatus | None, Query(description=ASKED)] = None,
    order: Annotated[ItemOrder, Query(description="Of equals, the newest comes first.")] = "newest",
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ItemList:
    """A dataset's items, the newest first unless asked for otherwise.

    Members of its library see items in every state; for everybody else only published ones exist.
    """
    database = components.database
    sight = await sight_of_dataset(database, dataset_id, caller)
    if not access.sees_unpublished(sight.role):
        if status not in (None, access.PUBLISHED):
            return ItemList(items=[], total=0, limit=limit, offset=offset)
        status = "published"
    page = await shown_items.list_items(
        database, dataset_id=dataset_id, states=states_of(status), order=order, limit=limit, offset=offset
    )
    found = page.items if access.sees_work(sight.role) else [item.without_work() for item in page.items]
    return _list_body(found, request, components, total=page.total, limit=limit, offset=offset)


def _list_body(
    found: list[ShownItem], request: Request, components: Components, *, total: int, limit: int, offset: int
) -> ItemList:
    base = base_url(request, components)
    bodies = [ItemBody(**item_fields(item, base)) for item in found]
    return ItemList(items=bodies, total=total, limit=limit, offset=offset)
