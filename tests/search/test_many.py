"""Searches with more matches than are ranked: the best are found all the same, and the cost is bounded."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from echoic.db.search import lexemes, lexical, prepare, windows
from echoic.search.question import Filters, Order
from tests.factories import Tenant, World, talk
from tests.search.conftest import Find, texts

BOUND = 20
ITEMS, SEGMENTS = 6, 20


@pytest.fixture
async def crowd(world: World, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A reader of 120 segments with the same word, two of them with more of it, where 20 matches are ranked.

    Blocks of items are small, so that windows are a part of so few.
    """
    monkeypatch.setattr(lexical, "MAX_MATCHES", BOUND)
    for module in (lexemes, windows):
        monkeypatch.setattr(module, "BLOCK_BITS", (0, 1, 2))
    tenant = await world.tenant()
    for item in range(ITEMS):
        said = [f"river {item} {place}" for place in range(SEGMENTS)]
        if item == 1:
            said[3] = "river river river 1 3"
            said[7] = "river bridge river 1 7"
        moment = datetime(2026, item + 1, 1, tzinfo=UTC)
        await world.item(tenant.dataset_id, talk(*said, speaker=f"Speaker {item}"), published_at=moment)
    return tenant


@pytest.fixture(params=["statistics", "none", "misled", "older"])
async def known(request: pytest.FixtureRequest, as_owner: Callable[..., None], crowd: Tenant, world: World) -> Tenant:
    """The same, with and without the statistics that say beforehand how common the word is; where it is not common in the
    items at either end of time; and where entries of an older version have no marks of blocks.
    """
    if request.param != "none":
        as_owner("ANALYZE search_entries")
    if request.param == "misled":
        other = await world.tenant()
        for number in range(3 * ITEMS):
            await world.item(other.dataset_id, talk(f"river of others {number}"))
            await world.item(crowd.dataset_id, talk(f"a lake {number}"))
    if request.param == "older":
        as_owner("UPDATE search_entries SET schema_version = 5 WHERE position = 0")
    return crowd


async def test_the_segments_with_most_of_a_word_come_first_however_old(
    find_in_postgres: Find, as_owner: Callable[..., None], crowd: Tenant
) -> None:
    as_owner("ANALYZE search_entries")
    found = await find_in_postgres(crowd, "river", limit=5)
    assert texts(found) == ["river river river 1 3", "river bridge river 1 7", "river 5 0", "river 5 1", "river 5 2"]
    assert (found.total, found.exact) == (BOUND, False)


async def test_where_few_have_most_of_a_word_the_newest_with_more_of_it_follow(
    find_in_postgres: Find, world: World, as_owner: Callable[..., None], crowd: Tenant
) -> None:
    """More segments than are ranked have the word twice, one has it three times, and all newer ones have it once."""
    tenant = await world.tenant()
    twice = [f"lake lake {place}" for place in range(BOUND + 5)]
    await world.item(tenant.dataset_id, talk("lake lake lake", *twice))
    for _ in range(ITEMS):
        await world.item(tenant.dataset_id, talk(*["lake alone"] * SEGMENTS))
    as_owner("ANALYZE search_entries")
    found = await find_in_postgres(tenant, "lake", limit=4)
    assert texts(found) == ["lake lake lake", "lake lake 0", "lake lake 1", "lake lake 2"]


async def test_what_is_like_a_misspelt_word_is_found_best_first_however_old(
    find_in_postgres: Find, as_owner: Callable[..., None], crowd: Tenant
) -> None:
    as_owner("ANALYZE search_entries")
    found = await find_in_postgres(crowd, "rivver", limit=3)
    assert texts(found) == ["river river river 1 3", "river bridge river 1 7", "river 5 0"]
    assert (found.total, found.exact) == (BOUND, False)


async def test_of_equal_ones_the_newest_come_first(find_in_postgres: Find, known: Tenant) -> None:
    found = await find_in_postgres(known, "river -bridge -1", limit=3)
    assert texts(found) == ["river 5 0", "river 5 2", "river 5 3"]
    assert (found.total, found.exact) == (BOUND, False)


async def test_a_second_page_follows_the_first(find_in_postgres: Find, known: Tenant) -> None:
    both = texts(await find_in_postgres(known, "riv*", limit=10))
    assert (
        texts(await find_in_postgres(known, "riv*", limit=5))
        + texts(await find_in_postgres(known, "riv*", limit=5, offset=5))
        == both
    )


@pytest.mark.parametrize("offset", [BOUND, 2**31 - 20, 2**53 - 1])
async def test_beyond_what_is_ranked_there_is_no_page(find_in_postgres: Find, crowd: Tenant, offset: int) -> None:
    assert len((await find_in_postgres(crowd, "river", limit=5, offset=BOUND - 5)).hits) == 5
    found = await find_in_postgres(crowd, "river", limit=20, offset=offset)
    assert (found.hits, found.total, found.exact) == ((), BOUND, False)


async def test_either_end_of_time_is_reached(find_in_postgres: Find, known: Tenant) -> None:
    newest = await find_in_postgres(known, "river", limit=2, order=Order(sort="date"))
    oldest = await find_in_postgres(known, "river", limit=2, order=Order(sort="date", ascending=True))
    assert texts(newest) == ["river 5 0", "river 5 1"]
    assert texts(oldest) == ["river 0 0", "river 0 1"]


async def test_few_matches_among_many_are_ranked_exactly(find_in_postgres: Find, known: Tenant) -> None:
    found = await find_in_postgres(known, "river bridge")
    assert (texts(found), found.total, found.exact) == (["river bridge river 1 7"], 1, True)
    narrowed = await find_in_postgres(known, "river", filters=Filters(speakers=("speaker 1",)), limit=2)
    assert (texts(narrowed)[0], narrowed.total, narrowed.exact) == ("river river river 1 3", SEGMENTS, True)


async def test_windows_that_follow_each_other_find_each_match_once(
    find_in_postgres: Find,
    world: World,
    as_owner: Callable[..., None],
    crowd: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Words that are common apart are hardly ever said together, so that one window after the other holds too few."""
    monkeypatch.setattr(windows, "MIN_PARTS", 0)  # each window has the largest blocks, and so its neighbors' items
    for number in range(40):
        said = ["a red bridge and a car", "a red car" if number % 8 == 3 else f"red or a car {number}"]
        moment = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=number)
        await world.item(crowd.dataset_id, talk(*said), title=f"{number}", published_at=moment)
    as_owner("ANALYZE search_entries")
    for ascending in (False, True):
        found = await find_in_postgres(crowd, '"red car"', order=Order(sort="date", ascending=ascending))
        assert [hit.item.title for hit in found.hits] == ["3", "11", "19", "27", "35"][:: 1 if ascending else -1]
        assert (found.total, found.exact) == (5, True)


async def test_a_stranger_finds_none_of_many(find_in_postgres: Find, world: World, known: Tenant) -> None:
    stranger = await world.tenant()
    found = await find_in_postgres(stranger, "river OR bridge", facets=True)
    assert (found.hits, found.total, found.exact) == ((), 0, True)


async def test_facets_of_many_say_that_they_are_not_exact(find_in_postgres: Find, known: Tenant) -> None:
    found = await find_in_postgres(known, "river", limit=1, facets=True)
    assert found.facets is not None
    assert not found.facets.exact
    assert sum(bucket.count for bucket in found.facets.datasets) <= BOUND + 2


@pytest.mark.parametrize("most", [1, 10_000])
async def test_a_time_is_looked_through_whole_whichever_item_came_first(
    find_in_postgres: Find, world: World, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Items that came out in a month are not side by side: an old one was uploaded last. Where they are too many to be
    looked at one by one, the same is found."""
    monkeypatch.setattr(prepare, "MAX_DATED", most)
    monkeypatch.setattr(prepare, "_FEW", 3)
    tenant = await world.tenant()
    months = [1, 3, 3, 2, 3, 4, 3]
    for number, month in enumerate(months):
        moment = datetime(2026, month, 2, tzinfo=UTC)
        await world.item(tenant.dataset_id, talk(f"river {number}"), published_at=moment)
    march = Filters(published_from=datetime(2026, 3, 1, tzinfo=UTC), published_before=datetime(2026, 4, 1, tzinfo=UTC))
    found = await find_in_postgres(tenant, "river", filters=march)
    assert sorted(texts(found)) == ["river 1", "river 2", "river 4", "river 6"]
    since = await find_in_postgres(tenant, "river", filters=Filters(published_from=datetime(2026, 3, 1, tzinfo=UTC)))
    assert sorted(texts(since)) == ["river 1", "river 2", "river 4", "river 5", "river 6"]
