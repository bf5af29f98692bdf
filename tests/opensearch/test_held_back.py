"""A new index that lacks a part of too many items is not put to use, and everybody who should know is told."""

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from echoic.db.search.copy_figures import look_at_copy
from echoic.db.search.refused_items import TOLERATED_ITEMS
from echoic.errors import SearchCopyHeldBack, SearchUnavailable
from echoic.opensearch import documents as making
from echoic.opensearch.engine import OpenSearchIndex
from echoic.records import SearchCopyFigures
from tests.factories import Tenant, World, segment, talk
from tests.opensearch.copied import CopiedIndex, copied_index, found_by, needs_opensearch, searched

pytestmark = needs_opensearch

TOO_LONG = "S" * 40_000
"""A label longer than the 32,766 bytes that a term of Lucene's may have."""
AGAIN = "UPDATE search_refused_items SET again_at = now() - interval '1 second'"


async def make_refused(world: World, tenant: Tenant, number: int) -> list[int]:
    """The ids of new items that OpenSearch refuses."""
    return [await world.item(tenant.dataset_id, [segment("a loud river", speaker=TOO_LONG)]) for _ in range(number)]


async def figures(world: World) -> SearchCopyFigures:
    async with world.database.transaction() as session:
        return await look_at_copy(session)


async def test_a_first_index_that_lacks_too_much_is_not_asked_until_it_does_not(
    world: World, as_owner: Callable[..., None]
) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a quiet river"))
    bad = await make_refused(world, tenant, TOLERATED_ITEMS + 1)
    async with copied_index(world.database) as copied:
        await copied.catch_up()
        with pytest.raises(SearchUnavailable):
            await found_by(copied, tenant, "quiet")
        instead = OpenSearchIndex(world.database, copied.client, copied.names, fall_back=True)
        assert await searched(instead, tenant, "quiet") == ["a quiet river"]
        with pytest.raises(SearchCopyHeldBack) as held_back:
            await copied.copier.tell_refused()
        named = ", ".join(f"item {number} (400 illegal_argument_exception in 'speaker')" for number in bad[:3])
        assert held_back.value.message == (
            "A new index in OpenSearch is not put to use, since it lacks a part of 11 of 12 items: "
            f"{named} and 8 more. Mend the cause, then run 'echoic reindex --all'."
        )
        now = await figures(world)
        assert (now.is_usable, now.held_back, now.refused_items) == (False, True, len(bad))
        await copied.copier.ensure()
        assert await copied.copier.waiting() == 0
        as_owner("UPDATE segments SET speaker = NULL", AGAIN)
        await copied.catch_up()
        await copied.copier.tell_refused()
        assert len(await found_by(copied, tenant, "river")) == len(bad) + 1
        now = await figures(world)
        assert (now.is_usable, now.held_back, now.refused_items) == (True, False, 0)


async def test_an_index_that_lacks_little_is_put_to_use(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a quiet river"))
    await make_refused(world, tenant, TOLERATED_ITEMS)
    async with copied_index(world.database) as copied:
        await copied.catch_up()
        assert await found_by(copied, tenant, "quiet") == ["a quiet river"]
        now = await figures(world)
        assert (now.is_usable, now.held_back, now.refused_items) == (True, False, TOLERATED_ITEMS)


async def test_an_error_that_meets_every_item_leaves_searches_the_former_index(
    copied: CopiedIndex, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()
    for _ in range(TOLERATED_ITEMS + 1):
        await world.item(tenant.dataset_id, talk("a quiet river"))
    await copied.catch_up()
    (former,) = await copied.client.indices_of(copied.names.pattern)

    def broken(entry: Any) -> str:
        raise KeyError(entry.position)

    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(making, "spoken_tokens", broken)
        faulty = await copied.copier.begin()
        await copied.catch_up()
    assert faulty is not None
    told = [line for line in lines if line["event"] == "search_item_refused"]
    assert len(told) == TOLERATED_ITEMS + 1
    assert len([line for line in told if line["exc_info"]]) == 1
    with pytest.raises(SearchCopyHeldBack, match=r"11 of 11 items: item \d+ \(KeyError: -1\)"):
        await copied.copier.tell_refused()
    assert await copied.client.indices_of(copied.names.pattern) == [former, copied.names.index(faulty)]
    assert len(await found_by(copied, tenant, "river")) == TOLERATED_ITEMS + 1
    now = await figures(world)
    assert (now.is_usable, now.held_back) == (True, True)
    mended = await copied.copier.begin()
    assert mended is not None
    assert copied.names.index(faulty) not in await copied.client.indices_of(copied.names.pattern)
    await copied.catch_up()
    assert await copied.client.indices_of(copied.names.pattern) == [copied.names.index(mended)]
    await copied.copier.tell_refused()
