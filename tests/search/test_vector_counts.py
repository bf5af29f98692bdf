"""The choice between comparing all vectors that may be found and walking through their index."""

from collections.abc import Callable

import pytest

from echoic.db.reads import ask
from echoic.db.search import semantic
from tests.factories import World, talk

COMPARED, MORE = 4, 6


@pytest.mark.parametrize("analyzed", [True, False])
@pytest.mark.parametrize(
    ("items", "counted"),
    [(1, 2), (2, 4), (5, COMPARED + 1)],
    ids=["few", "as many as are compared", "many"],
)
async def test_vectors_are_counted_up_to_one_more_than_are_compared(
    world: World,
    as_owner: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    items: int,
    *,
    counted: int,
    analyzed: bool,
) -> None:
    monkeypatch.setattr(semantic, "MAX_COMPARED", COMPARED)
    monkeypatch.setattr(semantic, "SURELY_MORE", MORE)
    tenant, other = await world.tenant(), await world.tenant()
    for _ in range(items):
        await world.item(tenant.dataset_id, talk("one", "two"))
    for _ in range(5):
        await world.item(other.dataset_id, talk("three", "four"))
    if analyzed:
        as_owner("ANALYZE segment_embeddings, transcripts")
    count = semantic._count.__wrapped__(frozenset({"account_id"}))
    async with world.database.transaction() as session:
        assert await ask(session, count, account_id=tenant.account_id) == [(counted,)]


async def test_items_of_which_so_many_must_have_many_vectors_are_not_counted_by_these(
    world: World, as_owner: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody whose items have none of them, against the mean, is taken for somebody who reads many."""
    monkeypatch.setattr(semantic, "MAX_COMPARED", COMPARED)
    monkeypatch.setattr(semantic, "SURELY_MORE", MORE)
    tenant, other = await world.tenant(), await world.tenant()
    for _ in range(4):
        await world.item(tenant.dataset_id)
    for _ in range(5):
        await world.item(other.dataset_id, talk("three", "four"))
    count = semantic._count.__wrapped__(frozenset({"account_id"}))
    async with world.database.transaction() as session:
        assert await ask(session, count, account_id=tenant.account_id) == [(0,)]
    as_owner("ANALYZE segment_embeddings, transcripts")
    async with world.database.transaction() as session:
        assert await ask(session, count, account_id=tenant.account_id) == [(COMPARED + 1,)]
