"""Transcripts at the API."""

import io
import zipfile

import httpx
import pytest

from tests.factories import World, segment, talk


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
        assert f'filename="Call.{form}"' in written.headers["content-disposition"]


@pytest.mark.parametrize("status", ["stored", "queued", "processing"])
async def test_before_it_is_published_there_is_a_conflict_that_names_the_status(
    client: httpx.AsyncClient, world: World, status: str
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status=status)
    answer = await client.get(f"/api/items/{item_id}/transcript", headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_published")
    shown = {"stored": "'queued', and nothing starts by itself; POST /api/items/1/transcribe"}.get(
        status, f"'{status}'."
    )
    assert shown in answer.json()["message"]


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
    assert (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()["has_transcript"] is True
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
    assert answer.json()["message"] == ("format: must be 'json', 'txt', 'srt', 'vtt', 'csv', 'rttm' or 'docx'.")


async def test_a_part_can_be_asked_for_by_speaker_window_and_page(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    said = [segment(f"Word {n}", start=10.0 * n, speaker="Anna" if n % 2 else "Ben") for n in range(6)]
    item_id = await world.item(tenant.dataset_id, said)

    async def places(query: str) -> tuple[list[int], int]:
        answer = await client.get(f"/api/items/{item_id}/transcript?{query}", headers=tenant.headers)
        body = answer.json()
        assert body["speakers"] == ["Ben", "Anna"]
        assert answer.headers["x-total-segments"] == str(body["total_segments"])
        return [part["id"] for part in body["segments"]], body["total_segments"]

    assert await places("speaker=Anna") == ([1, 3, 5], 3)
    assert await places("speaker=Nobody") == ([], 0)
    nobody = await client.get(f"/api/items/{item_id}/transcript?speaker=Nobody", headers=tenant.headers)
    assert [notice["code"] for notice in nobody.json()["notices"]] == ["nothing_selected"]
    # A segment takes a second: one that ends as the window starts, or starts as it ends, is outside.
    assert await places("start=11&end=30") == ([2], 1)
    assert await places("start=10.5&end=30.5&speaker=Anna") == ([1, 3], 2)
    assert await places("offset=4&limit=5") == ([4, 5], 6)
    assert await places("speaker=Ben&limit=1&offset=1") == ([2], 3)
    text = await client.get(f"/api/items/{item_id}/transcript?format=txt&start=50", headers=tenant.headers)
    assert text.text == "Anna: Word 5\n"


async def test_several_formats_come_in_one_archive(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Good morning.", speaker="Anna"))
    path = f"/api/items/{item_id}/transcript"
    query = "format=txt&format=srt&format=docx&format=txt&speakers=true"
    answer = await client.get(f"{path}?{query}", headers=tenant.headers)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [f"Item 2.{form}" for form in ("txt", "srt", "docx")]
        assert archive.read("Item 2.srt").decode().endswith("Anna: Good morning.\n\n")


async def test_a_transcript_that_did_not_change_is_not_sent_again(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Good morning."))
    tags = set()
    for query in ("", "?format=txt", "?format=docx", "?format=txt&format=srt", "?format=srt", "?speaker=Anna"):
        path = f"/api/items/{item_id}/transcript{query}"
        first = await client.get(path, headers=tenant.headers)
        again = await client.get(path, headers=tenant.headers | {"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        tags.add(first.headers["etag"])
    assert len(tags) == 6
    await client.patch(f"/api/items/{item_id}", headers=tenant.headers, json={"title": "Another"})
    changed = await client.get(
        f"/api/items/{item_id}/transcript", headers=tenant.headers | {"If-None-Match": ", ".join(tags)}
    )
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "format=json&speakers=false",
            "speakers: is no option of json; the formats that have it are txt, srt, vtt, csv, docx.",
        ),
        (
            "format=txt&max_cue_seconds=3",
            "max_cue_seconds: is no option of txt; the formats that have it are srt, vtt.",
        ),
        ("start=5&end=5", "end: must be greater than start."),
        ("start=nan", "start: must be a finite number."),
        ("speaker=%00", "speaker: must not hold a NUL character."),
        ("limit=0", "limit: must be at least 1."),
    ],
)
async def test_a_choice_that_cannot_be_met_is_refused(
    client: httpx.AsyncClient, world: World, query: str, message: str
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Hello."))
    answer = await client.get(f"/api/items/{item_id}/transcript?{query}", headers=tenant.headers)
    assert (answer.status_code, answer.json()["message"]) == (400, message)
