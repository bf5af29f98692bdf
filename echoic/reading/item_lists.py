"""Lists of items as a caller sees them: those of a dataset, and all that the caller may see."""

from collections.abc import Sequence
from dataclasses import replace

from echoic import access
from echoic.access import Caller
from echoic.db.catalog.rights import Rights
from echoic.db.connect import Database
from echoic.db.items import listed_items
from echoic.db.items.items import ItemOrder
from echoic.db.items.listed_items import ItemFilters, ItemPage
from echoic.db.items.shown_items import ShownItem
from echoic.errors import DatasetNotFound
from echoic.reading.redacted import policy_for
from echoic.reading.titles import with_shown_titles
from echoic.redaction.policy import Policy
from echoic.redaction.transcripts import hides, notice

NONE = ItemPage(items=[], total=0)


async def list_seen(
    database: Database, caller: Caller, *, filters: ItemFilters, order: ItemOrder, limit: int, offset: int
) -> ItemPage:
    """Return the items of the caller's libraries in every state, and the published ones of other public libraries."""
    page = await listed_items.list_seen_items(
        database, account_id=caller.account_id, filters=filters, order=order, limit=limit, offset=offset
    )
    return ItemPage(items=await _shown(database, page.items), total=page.total)


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
    found = await listed_items.list_items(
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
    if (filters.speaker is not None or filters.title is not None) and policy_for(rights) is not None:
        # What a list by a name or a word holds would tell of the names and words that are redacted in it.
        return NONE
    return replace(page, items=await _shown(database, [(item, rights) for item in page.items]))


async def _shown(database: Database, seen: Sequence[tuple[ShownItem, Rights]]) -> list[ShownItem]:
    """Return items as an account with these rights sees them in a list."""
    policies = [policy_for(rights) for _, rights in seen]
    titled = await with_shown_titles(
        database, [(item, policy) for (item, _), policy in zip(seen, policies, strict=True)]
    )
    return [
        _listed(item if access.sees_work(rights.role) else item.without_work(), policy)
        for item, (_, rights), policy in zip(titled, seen, policies, strict=True)
    ]


def _listed(item: ShownItem, policy: Policy | None) -> ShownItem:
    if policy is None:
        return item
    speakers = tuple(name for name in item.speakers if not hides(policy, name))
    return replace(item, speakers=speakers, notices=[*item.notices, notice(policy).to_object()])
