"""What a query excludes is found neither by words nor by meaning, in each engine."""

import pytest

from tests.factories import World, talk
from tests.search.conftest import Find, texts

SAID = ("red wine", "a red car", "cars are red", "the red bus")
KINDS = pytest.mark.parametrize("kind", ["text", "semantic", "semantic, by the index", "hybrid"])


@KINDS
@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("red", set(SAID)),
        ("red NOT car", {"red wine", "the red bus"}),
        ("red -car -wine", {"the red bus"}),
        ('red -"red car"', {"red wine", "cars are red", "the red bus"}),
        ("red -(car OR bus)", {"red wine"}),
        ("red -(car wine)", set(SAID)),
        ("red -(car red)", {"red wine", "the red bus"}),
        ("red -ca*", {"red wine", "the red bus"}),
    ],
)
async def test_what_is_excluded_is_not_found(find: Find, world: World, kind: str, query: str, left: set[str]) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID))
    found = await find(tenant, query, kind=kind)
    assert (set(texts(found)), found.total) == (left, len(left))


@pytest.mark.parametrize("kind", ["semantic", "hybrid"])
async def test_what_one_alternative_excludes_may_be_found_by_another(find: Find, world: World, kind: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID))
    assert "a red car" in texts(await find(tenant, "wine OR (red -car)", kind=kind))
