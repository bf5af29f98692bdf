"""Chapters of an item: found by meaning, named by what they say, in three forms; hidden names stay hidden."""

import io
import json
import zipfile

import httpx
import pytest

from tests.api.council import BUDGET, HARBOR, talk
from tests.api.uploading import assert_refused
from tests.factories import Tenant, World, segment


@pytest.fixture
async def tenant(world: World) -> Tenant:
    return await world.tenant()


async def test_a_recording_has_chapters_with_titles_and_sentences_and_follows_corrections(
    client: httpx.AsyncClient, world: World, tenant: Tenant
) -> None:
    path = f"/api/items/{await talk(world, tenant)}/chapters"
    first, second = (await client.get(path, headers=tenant.headers)).json()["chapters"]
    assert (first["start"], second["end"]) == (0.0, 594.0)
    assert first["end"] == second["start"] == pytest.approx(300, abs=30)
    assert "arbor" in first["title"]
    assert "budget" in second["title"].lower()
    assert "budget" not in first["title"].lower()
    assert {said["text"] for said in first["summary"]} <= set(HARBOR)
    assert all(second["start"] <= said["start"] < second["end"] for said in second["summary"])
    track = await client.get(f"{path}/file", headers=tenant.headers)
    assert track.headers["content-type"] == "text/vtt; charset=utf-8"
    assert track.text.startswith("WEBVTT\n\n00:00:00.000 --> 00:0")
    podcast = await client.get(f"{path}/file", params={"format": "podcast"}, headers=tenant.headers)
    assert podcast.headers["content-type"] == "application/json+chapters"
    told = podcast.json()
    assert (told["version"], told["title"]) == ("1.2.0", "Council & more")
    assert [one["startTime"] for one in told["chapters"]] == [0.0, second["start"]]
    exported = f"/api/datasets/{tenant.dataset_id}/export?format=txt&chapters=podcast&chapters=vtt"
    with zipfile.ZipFile(io.BytesIO((await client.get(exported, headers=tenant.headers)).content)) as archive:
        assert archive.read("Council & more.chapters.vtt").decode() == track.text
        assert json.loads(archive.read("Council & more.chapters.json")) == told
        (entry,) = json.loads(archive.read("contents.json"))["items"]
        assert sorted(entry["files"]) == sorted(set(archive.namelist()) - {"contents.json"})
    changed = {"segments": [{"id": n, "text": BUDGET[n % 2]} for n in range(30)]}
    edited = path.replace("/chapters", "/transcript/segments")
    assert (await client.patch(edited, json=changed, headers=tenant.headers)).is_success
    later = (await client.get(path, headers=tenant.headers)).json()
    assert later["version"] == 1
    assert "arbor" not in str(later["chapters"])


async def test_a_short_recording_is_one_chapter_and_one_that_is_not_published_has_none(
    client: httpx.AsyncClient, world: World, tenant: Tenant
) -> None:
    short = await world.item(tenant.dataset_id, [segment(HARBOR[0])])
    (only,) = (await client.get(f"/api/items/{short}/chapters", headers=tenant.headers)).json()["chapters"]
    assert (only["start"], only["title"]) == (0.0, "Chapter 1")
    silent = await world.item(tenant.dataset_id, [])
    assert (await client.get(f"/api/items/{silent}/chapters", headers=tenant.headers)).json()["chapters"] == []
    waiting = await world.item(tenant.dataset_id, status="processing")
    refused = await client.get(f"/api/items/{waiting}/chapters", headers=tenant.headers)
    assert_refused(refused, 409, "not_published")
