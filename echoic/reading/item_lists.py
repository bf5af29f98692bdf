"""Lists of items as a caller sees them: those of a dataset, and all that the caller may see."""

from dataclasses import replace

from echoic import access
from echoic.access import Caller
from echoic.db.catalog.rights import Rights
from echoic.db.connect import Database
from echoic.db.items import shown_items
from echoic.db.items.items import ItemOrder
from echoic.db.items.shown_items import ItemFilters, ItemPage, ShownItem
from echoic.errors import DatasetNotFound
from echoic.reading.redacted import policy_for
from echoic.redaction.transcripts import hides, notice

NONE = ItemPage(items=[], total=0)


async def list_seen(
    database: Database, caller: Caller, *, filters: ItemFilters, order: ItemOrder, limit: int, offset: int
) -> ItemPage:
    """Return the items of the caller's libraries in every state, and the published ones of other public libraries."""
    page = await shown_items.list_seen_items(
        database, account_id=caller.account_id, filters=filters, order=order, limit=limit, offset=offset
    )
    return ItemPage(items=[_shown(item, rights) for item, rights in page.items], total=page.total)


async def list_of_dataset(
    database: Database,
    dataset_id: int,
    caller: Caller,
    *,
    filters: ItemFilters,
    order: ItemOrder,
    limit: int,
    offset: int,
) -> ItemPage:
    """Return a dataset's items: all of them for members of its library, for everybody else those that are published.

    Raises DatasetNotFound.
    """
    found = await shown_items.list_items(
        database,
        dataset_id=dataset_id,
        account_id=caller.account_id,
        filters=filters,
        order=order,
        limit=limit,
        offset=offset,
    )
    if found is None:
        raise DatasetNotFound
    page, rights = found
    access.require_dataset_read(visibility=rights.visibility, role=rights.role)
    if filters.speaker is not None and policy_for(rights) is not None:
        # Whom a list by name holds would tell of the names that are redacted in it.
        return NONE
    return replace(page, items=[_shown(item, rights) for item in page.items])


def _shown(item: ShownItem, rights: Rights) -> ShownItem:
    """Return an item as an account with these rights sees it in a list."""
    shown = item if access.sees_work(rights.role) else item.without_work()
    policy = policy_for(rights)
    if policy is None:
        return shown
    speakers = tuple(name for name in shown.speakers if not hides(policy, name))
    return replace(shown, speakers=speakers, notices=[*shown.notices, notice(policy).to_object()])
