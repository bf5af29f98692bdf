"""The older names of datasets and items."""

from typing import Any

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
    for method in ("HEAD", "GET"):
        answers = [
            await client.request(method, f"/api/{name}/{item_id}/audio", headers=tenant.headers)
            for name in ("episodes", "items")
        ]
        assert answers[0].status_code == answers[1].status_code != 405


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


async def test_an_episode_is_corrected_as_an_item_is(client: httpx.AsyncClient, world: World) -> None:
    tenant, stranger = await world.tenant("Anna"), await world.tenant("Ben")
    item_id = await world.item(tenant.dataset_id, talk("good morning", "good day", speaker="SPEAKER_00"))
    calls: list[tuple[str, str, dict[str, Any] | None, int]] = [
        ("PATCH", "transcript/segments/0", {"text": "Good morning."}, 200),
        ("PATCH", "transcript/segments", {"segments": [{"id": 1, "text": "Good day."}]}, 200),
        ("POST", "transcript/replace", {"find": "good", "replace": "fine"}, 200),
        ("POST", "speakers/SPEAKER_00", {"name": "Anna"}, 200),
        ("DELETE", "speakers/SPEAKER_00", None, 200),
        ("POST", "speakers/SPEAKER_00/split", {"segments": [1]}, 201),
        ("POST", "speakers/SPEAKER_01/merge", {"into": "SPEAKER_00"}, 200),
        ("POST", "transcript/versions/0/restore", None, 200),
    ]
    for number, (method, path, body, status) in enumerate(calls, start=1):
        url = f"/api/episodes/{item_id}/{path}"
        hidden = await client.request(method, url, headers=stranger.headers, json=body)
        assert hidden.json()["code"] == "item_not_found", url
        answer = await client.request(method, url, headers=tenant.headers, json=body)
        assert (answer.status_code, answer.json()["version"]) == (status, number), answer.text
    for path in ("transcript/versions", "transcript/versions/3", "speakers", "entities", "transcript?version=3"):
        older = await client.get(f"/api/episodes/{item_id}/{path}", headers=tenant.headers)
        newer = await client.get(f"/api/items/{item_id}/{path}", headers=tenant.headers)
        assert older.status_code == 200, path
        assert older.json() == newer.json()
    unknown = await client.post(
        f"/api/episodes/{item_id}/speakers/SPEAKER_00", headers=tenant.headers, json={"nickname": "A"}
    )
    assert (unknown.status_code, unknown.json()["code"]) == (400, "field_invalid")
