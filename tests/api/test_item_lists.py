"""Lists of items, narrowed by what is asked of title, language and speaker, with who speaks in each."""

import httpx
import pytest

from tests.api.people import ANNA, BERT, A, Asking, item_of
from tests.factories import World, talk


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


@pytest.mark.parametrize("query", ["language=german", "title=%00", "speaker=" + "x" * 201])
async def test_a_filter_that_nothing_can_fulfill_is_refused(
    client: httpx.AsyncClient, world: World, query: str
) -> None:
    tenant = await world.tenant()
    answer = await client.get(f"/api/items?{query}", headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert query.partition("=")[0] in answer.json()["message"]
