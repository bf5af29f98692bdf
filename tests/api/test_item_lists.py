"""Lists of items, narrowed by what is asked of title, language and speaker, with who speaks in each."""

import httpx
import pytest

from echoic.db.catalog import libraries
from echoic.db.items.counts import fold_counts
from tests.api.people import ANNA, BERT, A, Asking, item_of
from tests.factories import World, talk

STATES = ("published", "queued", "published", "failed", "processing", "published", "stored", "cancelled")


async def test_items_are_found_by_parts_of_their_titles_language_speaker_and_state(ask: Asking, world: World) -> None:
    dataset_id = ask.tenant.dataset_id
    harbor = await item_of(world, ask.components, ask.tenant, ANNA, BERT)
    await ask("PATCH", f"/api/items/{harbor}", json={"title": "Harbor, 100 % of it"})
    await ask.name(harbor, A, "Anna Berg")
    call = await world.item(dataset_id, talk("guten Tag"), title="Call at the HARBOR", language="de")
    failed = await world.item(dataset_id, status="failed", title="Support")

    async def found(query: str, path: str = "/api/items") -> set[int]:
        body = await ask("GET", f"{path}?{query}")
        ids = {item["id"] for item in body["items"]}
        assert body["total"] == len(ids)
        assert ids == {item["id"] for item in (await ask("GET", f"/api/datasets/{dataset_id}/items?{query}"))["items"]}
        return ids

    assert await found("title=harbor") == {harbor, call}
    assert await found("title=100 %25") == {harbor}
    assert await found("title=_") == set()
    assert await found("title=") == {harbor, call, failed}
    assert await found("language=de") == {call}
    assert await found("speaker=anna berg") == {harbor}
    assert await found("speaker=SPEAKER_01") == set()
    assert await found("title=harbor&language=en&status=published&speaker=Anna Berg") == {harbor}
    assert await found("title=harbor&status=failed") == set()


async def test_a_list_says_who_speaks_by_name_or_else_by_label(ask: Asking, world: World) -> None:
    item_id = await item_of(world, ask.components, ask.tenant, ANNA, BERT)
    await world.item(ask.tenant.dataset_id, status="stored")
    await ask.name(item_id, A, "Anna")
    waiting, spoken = (await ask("GET", "/api/items"))["items"]
    assert (waiting["speakers"], spoken["speakers"]) == ([], ["Anna", "SPEAKER_01"])


@pytest.fixture
async def places(ask: Asking, world: World) -> dict[str, int]:
    """Datasets with an item in each of some states, by what the library is to the account; they were filled in turns."""
    strange = await world.tenant("Strange", visibility="public")
    joined = await world.tenant("Joined", visibility="public")
    hidden = await world.tenant("Hidden")
    async with ask.components.database.transaction() as session:
        await libraries.add_member(
            session, library_id=joined.library_id, account_id=ask.tenant.account_id, role="viewer"
        )
    datasets = {"own": ask.tenant, "strange": strange, "joined": joined, "hidden": hidden}
    for number, status in enumerate(STATES):
        for name, tenant in datasets.items():
            said = talk("word " * (1 + number % 2)) if status == "published" else None
            await world.item(tenant.dataset_id, said, status=status, title=f"{number % 3} {name}")
    return {name: tenant.dataset_id for name, tenant in datasets.items()}


async def test_totals_are_of_the_items_that_somebody_may_see(ask: Asking, places: dict[str, int]) -> None:
    async def total(path: str) -> int:
        pages = [await ask("GET", f"{path}{'&' if '?' in path else '?'}limit=3&offset={offset}") for offset in (0, 99)]
        assert pages[0]["total"] == pages[1]["total"]
        listed = await ask("GET", f"{path}{'&' if '?' in path else '?'}limit=100")
        assert listed["total"] == len(listed["items"]) == pages[0]["total"]
        return int(listed["total"])

    async def totals(query: str) -> list[int]:
        of_datasets = [f"/api/datasets/{places[name]}/items{query}" for name in ("own", "joined", "strange")]
        return [await total(path) for path in (f"/api/items{query}", *of_datasets)]

    every, published = len(STATES), STATES.count("published")
    assert await totals("") == [2 * every + published, every, every, published]
    assert await totals("?status=published") == [3 * published, published, published, published]
    assert await totals("?status=failed") == [2, 1, 1, 0]
    assert await totals("?language=en") == [3 * published, published, published, published]
    assert await totals("?language=de") == [0, 0, 0, 0]
    assert (await ask("GET", f"/api/datasets/{places['hidden']}/items", status=404))["code"] == "dataset_not_found"

    own = (await ask("GET", f"/api/datasets/{places['own']}/items?status=published"))["items"]
    await ask("DELETE", f"/api/items/{own[0]['id']}", status=204)
    await fold_counts(ask.components.database)
    assert await totals("") == [2 * every + published - 1, every - 1, every, published]


@pytest.mark.parametrize("order", ["newest", "oldest", "title", "longest"])
async def test_a_list_of_own_and_public_items_is_in_one_order_over_all_pages(
    ask: Asking, places: dict[str, int], order: str
) -> None:
    whole = (await ask("GET", f"/api/items?order={order}&limit=100"))["items"]
    assert {item["dataset_id"] for item in whole} == {places[name] for name in ("own", "joined", "strange")}
    by_order = {
        "newest": lambda item: -item["id"],
        "oldest": lambda item: item["id"],
        "title": lambda item: (item["title"], -item["id"]),
        "longest": lambda item: (-(item["duration_seconds"] or 0), -item["id"]),
    }
    assert whole == sorted(whole, key=by_order[order])
    paged = [
        item
        for offset in range(0, len(whole), 4)
        for item in (await ask("GET", f"/api/items?order={order}&limit=4&offset={offset}"))["items"]
    ]
    assert [item["id"] for item in paged] == [item["id"] for item in whole]


@pytest.mark.parametrize("query", ["language=german", "title=%00", "speaker=" + "x" * 201])
async def test_a_filter_that_nothing_can_fulfill_is_refused(
    client: httpx.AsyncClient, world: World, query: str
) -> None:
    tenant = await world.tenant()
    answer = await client.get(f"/api/items?{query}", headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert query.partition("=")[0] in answer.json()["message"]
