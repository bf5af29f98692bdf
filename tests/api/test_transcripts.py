"""Transcripts at the API."""

import httpx
import pytest

from tests.factories import World, talk


async def test_the_transcript_is_json_unless_another_format_is_asked_for(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Good morning.", speaker="Anna"), title="Call")
    path = f"/api/items/{item_id}/transcript"
    answer = await client.get(path, headers=tenant.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body = answer.json()
    assert (body["item_id"], body["title"], body["status"], body["error"]) == (item_id, "Call", "published", None)
    assert body["engine"] == {"name": "fake", "model": "second-hash", "version": "1"}
    assert body["speakers"] == ["Anna"]
    (segment,) = body["segments"]
    assert (segment["text"], segment["words"][0]["word"]) == ("Good morning.", "Good")
    for form, media_type, content in (
        ("json", "application/json", answer.text),
        ("txt", "text/plain; charset=utf-8", "Anna: Good morning.\n"),
        ("srt", "application/x-subrip; charset=utf-8", "1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n\n"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v Anna>Good morning.\n"),
    ):
        written = await client.get(f"{path}?format={form}", headers=tenant.headers)
        assert (written.headers["content-type"], written.text) == (media_type, content)
        assert f"item-{item_id}.{form}" in written.headers["content-disposition"]


@pytest.mark.parametrize("status", ["stored", "queued", "processing"])
async def test_before_it_is_published_there_is_a_conflict_that_names_the_status(
    client: httpx.AsyncClient, world: World, status: str
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status=status)
    answer = await client.get(f"/api/items/{item_id}/transcript", headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_published")
    assert f"'{status}'" in answer.json()["message"]


async def test_what_was_transcribed_before_a_later_stage_failed_is_readable_and_names_the_failure(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(
        tenant.dataset_id,
        talk("Still here."),
        status="failed",
        error_code="engine_failed",
        error_stage="entities",
        error_message="It broke.",
    )
    answer = await client.get(f"/api/items/{item_id}/transcript", headers=tenant.headers)
    assert answer.status_code == 200
    assert answer.json()["status"] == "failed"
    assert answer.json()["error"] == {"code": "engine_failed", "stage": "entities", "message": "It broke."}
    text = await client.get(f"/api/items/{item_id}/transcript?format=txt", headers=tenant.headers)
    assert (text.text, text.headers["x-item-status"]) == ("Still here.\n", "failed")


async def test_an_item_that_failed_before_it_was_transcribed_says_so(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="failed", error_code="not_audio", error_stage="decode")
    answer = await client.get(f"/api/items/{item_id}/transcript", headers=tenant.headers)
    assert answer.status_code == 409
    assert answer.json()["message"] == "The item is not published: its status is 'failed' (decode: not_audio)."


async def test_an_unknown_format_is_refused_with_those_there_are(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Hello."))
    answer = await client.get(f"/api/items/{item_id}/transcript?format=pdf", headers=tenant.headers)
    assert answer.status_code == 400
    assert answer.json()["message"] == "format: input should be 'json', 'txt', 'srt' or 'vtt'."
