"""The feed that a dataset is itself: what it holds, and whose key its links carry."""

import httpx

from echoic.sources.feed.reader import FeedReader
from tests.factories import World, talk


async def test_a_dataset_is_a_feed_itself_with_transcripts_behind_the_same_key(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant, stranger = await world.tenant(), await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("good morning"))
    await world.item(tenant.dataset_id, status="failed")
    path = f"/api/datasets/{tenant.dataset_id}/feed.xml"
    refused = await client.get(path, params={"api_key": tenant.key})
    assert (refused.status_code, refused.json()["code"]) == (400, "field_invalid"), "a key that may do more than read"
    made = await client.post("/api/keys", json={"name": "Player", "scopes": ["read"]}, headers=tenant.headers)
    key = made.json()["key"]
    answer = await client.get(path, params={"api_key": key})
    assert (await client.head(path, params={"api_key": key})).headers["Content-Type"] == answer.headers["Content-Type"]
    reader = FeedReader()
    [episode] = [*reader.feed(answer.content), *reader.close()]
    assert episode.enclosure is not None
    assert episode.enclosure.url == f"http://echoic.test/api/items/{item_id}/audio?api_key={key}"
    assert [one.type for one in episode.transcripts] == ["text/vtt", "application/x-subrip"]
    assert "good morning" in (await client.get(episode.transcripts[0].url)).text
    by_header = await client.get(path, params={"api_key": tenant.key}, headers=tenant.headers)
    assert tenant.key not in by_header.text
    assert (await client.get(path, headers=stranger.headers)).status_code == 404
