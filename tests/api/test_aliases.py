"""The older names of datasets and items."""

import httpx

from tests.factories import World, talk


async def test_an_episode_is_an_item(client: httpx.AsyncClient, world: World) -> None:
    tenant, stranger = await world.tenant("Anna"), await world.tenant("Ben")
    item_id = await world.item(tenant.dataset_id, talk("Good morning."))
    for path in ("", "/transcript", "/transcript?format=srt"):
        older = await client.get(f"/api/episodes/{item_id}{path}", headers=tenant.headers)
        newer = await client.get(f"/api/items/{item_id}{path}", headers=tenant.headers)
        assert older.status_code == 200
        assert older.text == newer.text
        hidden = await client.get(f"/api/episodes/{item_id}{path}", headers=stranger.headers)
        assert hidden.json()["code"] == "item_not_found"


async def test_podcasts_are_the_datasets_one_may_see_by_title_and_language(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant("Anna", language="de")
    await world.tenant("Hidden")
    public = await world.tenant("100% public", visibility="public")
    item_id = await world.item(tenant.dataset_id)

    async def titles(query: str) -> list[str]:
        answer = await client.get(f"/api/podcasts?{query}", headers=tenant.headers)
        body = answer.json()
        assert body["total"] == len(body["podcasts"])
        return [podcast["title"] for podcast in body["podcasts"]]

    assert await titles("") == ["Anna's dataset", "100% public's dataset"]
    assert await titles("q=ANNA") == ["Anna's dataset"]
    # Signs that mean something to a pattern are characters like all others.
    assert await titles("q=0%25 p") == ["100% public's dataset"]
    assert await titles("q=a_n") == []
    assert await titles("language=de") == ["Anna's dataset"]
    podcast = (await client.get(f"/api/podcasts/{tenant.dataset_id}", headers=tenant.headers)).json()
    assert (podcast["title"], podcast["episode_count"]) == ("Anna's dataset", 1)
    episodes = await client.get(f"/api/podcasts/{tenant.dataset_id}/episodes", headers=tenant.headers)
    assert [episode["id"] for episode in episodes.json()["items"]] == [item_id]
    seen = await client.get(f"/api/podcasts/{public.dataset_id}", headers=tenant.headers)
    assert seen.status_code == 200
