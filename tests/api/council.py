"""A recording that turns from one thing to another."""

from tests.api.mentions import name_in
from tests.api.people import A
from tests.factories import Tenant, World, segment

HARBOR = ("the harbor needs another crane before winter", "a harbor with ships needs workers at night")
BUDGET = ("our budget covers salaries and taxes this year", "a budget without loans pays interest to nobody")


async def talk(world: World, tenant: Tenant) -> int:
    """Five minutes about the harbor and five about the budget, in which Ada Lovelace is named."""
    said = [segment(HARBOR[n % 2], start=10.0 * n, speaker=A) for n in range(30)]
    said += [segment(BUDGET[n % 2], start=300 + 10.0 * n, speaker=A) for n in range(29)]
    said += [segment("Ada Lovelace wrote our budget for salaries herself", start=590.0, speaker=A)]
    item_id = await world.item(tenant.dataset_id, said, title="Council & more")
    await name_in(world, item_id, ("person", "Ada Lovelace", 59))
    return item_id
