"""Corrections at the API: what is changed is read, exported and found at once; what was said before stays readable."""

import asyncio
from typing import Any

import httpx
import pytest

from echoic.compose import Components
from echoic.db.catalog import libraries, members
from echoic.db.items import items
from echoic.db.transcripts import entities, transcripts
from echoic.db.transcripts.entities import FoundMention
from tests.api.talk import Talk, talk_of
from tests.factories import Tenant, World, segment, talk


async def test_a_corrected_text_is_read_in_every_format_and_its_words_keep_their_times(
    client: httpx.AsyncClient, world: World
) -> None:
    said = await talk_of(client, world, "we met john", "all fine")
    answer = await said.change_one(0, text="  We met\nJoan. ")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["version"], body["segments_changed"], len(body["segments"])) == (1, 1, 1)
    (changed, other) = (await said.read())["segments"]
    assert changed == body["segments"][0]
    assert (changed["text"], changed["quality"], changed["confidence"]) == ("We met Joan.", "corrected", 0.933)
    assert [(word["word"], word["start"], word["end"], word["score"]) for word in changed["words"]] == [
        ("We", 0.0, 0.5, 0.9),
        ("met", 0.5, 1.0, 0.9),
        ("Joan.", 1.0, 1.5, 1.0),
    ]
    assert (other["text"], other["quality"]) == ("all fine", None)
    for form in ("txt", "srt", "vtt", "csv"):
        written = await client.get(f"{said.path}?format={form}", headers=said.tenant.headers)
        assert "We met Joan." in written.text
        assert "john" not in written.text
    assert (await said.read())["version"] == 1


async def test_segments_go_to_other_speakers_and_to_new_ones_and_to_nobody(
    client: httpx.AsyncClient, world: World
) -> None:
    said = await talk_of(client, world, "one", "two", "three")
    answer = await said.change(
        {"id": 1, "speaker": " Anna  Berg "}, {"id": 2, "speaker": None}, {"id": 0, "text": "One."}
    )
    assert answer.json()["version"] == 1
    body = await said.read()
    assert [part["speaker"] for part in body["segments"]] == ["SPEAKER_00", "Anna Berg", None]
    assert [part["words"][0]["speaker"] for part in body["segments"]] == ["SPEAKER_00", "Anna Berg", None]
    assert body["speakers"] == ["SPEAKER_00", "Anna Berg"]
    assert [part["quality"] for part in body["segments"]] == ["corrected", None, None]
    assert await said.texts("?speaker=Anna%20Berg") == ["two"]


async def test_somebody_known_is_meant_by_name_and_found_by_it_in_every_version(
    client: httpx.AsyncClient, world: World
) -> None:
    said = await talk_of(client, world, "one", "two")
    named = await client.post(
        f"/api/items/{said.item_id}/speakers/SPEAKER_00", headers=said.tenant.headers, json={"name": "Anna Weber"}
    )
    assert named.status_code == 200, named.text
    await said.change_one(1, speaker="Ben")
    answer = await said.change_one(0, speaker="anna weber")
    assert (answer.json()["segments_changed"], answer.json()["segments"][0]["speaker"]) == (0, "SPEAKER_00")
    assert await said.texts("?speaker=anna%20weber") == ["one"]
    assert await said.texts("?speaker=anna%20weber&version=1") == ["one", "two"]
    assert await said.texts("?speaker=anna%20weber&version=0") == []
    back = await said.change_one(1, speaker="Anna Weber")
    part = back.json()["segments"][0]
    assert (part["speaker"], part["speaker_name"]) == ("SPEAKER_00", "Anna Weber")


async def test_an_empty_text_is_shown_nowhere_and_can_be_filled_again(client: httpx.AsyncClient, world: World) -> None:
    said = await talk_of(client, world, "thanks for watching", "goodbye")
    assert (await said.change_one(0, text=" ")).json()["segments"][0]["words"] == []
    assert (await said.read())["segments"][0]["confidence"] is None
    for form in ("txt", "srt", "vtt", "csv", "docx", "rttm"):
        written = await client.get(f"{said.path}?format={form}", headers=said.tenant.headers)
        assert written.status_code == 200
        assert b"watching" not in written.content
    assert await said.found("watching") == []
    await said.change_one(0, text="Music plays")
    assert [word["start"] for word in (await said.read())["segments"][0]["words"]] == [0.0, 0.75]


async def test_every_version_stays_readable_as_it_was(client: httpx.AsyncClient, world: World) -> None:
    said = await talk_of(client, world, "a a", "b b", "c c")
    original = await said.read()
    await said.change({"id": 0, "text": "A"}, {"id": 2, "text": "C"})
    await said.change_one(0, text="AA", speaker="Ben")
    await said.change_one(1, text="B")
    assert [await said.texts(f"?version={number}") for number in range(4)] == [
        ["a a", "b b", "c c"],
        ["A", "b b", "C"],
        ["AA", "b b", "C"],
        ["AA", "B", "C"],
    ]
    assert await said.read("?version=0") == original
    assert await said.read("?version=3") == await said.read()
    assert (await said.read("?version=1"))["speakers"] == ["SPEAKER_00"]
    assert await said.texts("?version=2&speaker=Ben") == ["AA"]
    assert await said.texts("?version=2&start=5&offset=1&limit=5") == ["C"]
    text = await client.get(f"{said.path}?version=1&format=txt&speakers=false", headers=said.tenant.headers)
    assert (text.headers["x-transcript-version"], text.text.split()) == ("1", ["A", "b", "b", "C"])
    unknown = await client.get(f"{said.path}?version=4", headers=said.tenant.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "version_not_found")


async def test_a_correction_changes_the_etag_and_going_back_does_not_bring_the_old_version(
    client: httpx.AsyncClient, world: World
) -> None:
    said = await talk_of(client, world, "hello")
    first = await client.get(said.path, headers=said.tenant.headers)
    unchanged = said.tenant.headers | {"If-None-Match": first.headers["etag"]}
    assert (await client.get(said.path, headers=unchanged)).status_code == 304
    await said.change_one(0, text="Hello!")
    assert (await client.get(said.path, headers=unchanged)).status_code == 200
    await said.post("versions/0/restore")
    again = await client.get(said.path, headers=unchanged)
    assert (again.status_code, again.json()["version"]) == (200, 2)
    assert (await client.get(f"{said.path}?version=0", headers=unchanged)).status_code == 304


async def test_the_history_says_who_changed_what_and_when(client: httpx.AsyncClient, world: World) -> None:
    said = await talk_of(client, world, *(f"word {number}" for number in range(25)))
    assert await said.versions() == {"versions": [], "total": 0, "limit": 20, "offset": 0}
    await said.change_one(3, text="Word three", speaker="Ben")
    await said.post("replace", find="word", replace="term")
    await said.post("versions/1/restore")
    history = await said.versions()
    assert history["total"] == 3
    assert [
        (entry["version"], entry["restores"], entry["segments_changed"], len(entry["changes"]))
        for entry in history["versions"]
    ] == [(3, 1, 25, 20), (2, None, 25, 20), (1, None, 1, 1)]
    first = history["versions"][2]
    assert first["author"] == {"account_id": said.tenant.account_id, "name": "Anna"}
    assert first["created_at"].endswith("Z")
    assert first["changes"] == [
        {
            "id": 3,
            "text_before": "word 3",
            "text_after": "Word three",
            "speaker_before": "SPEAKER_00",
            "speaker_after": "Ben",
        }
    ]
    page = await said.versions("/2?limit=10&offset=20")
    assert [(change["id"], change["text_after"]) for change in page["changes"]] == [
        (number, f"term {number}") for number in range(20, 25)
    ]
    assert [entry["version"] for entry in (await said.versions("?limit=1&offset=1"))["versions"]] == [2]
    missing = await client.get(f"{said.path}/versions/4", headers=said.tenant.headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "version_not_found")


async def test_restoring_gives_back_words_marks_and_speakers_and_is_itself_a_version(
    client: httpx.AsyncClient, world: World
) -> None:
    said = await talk_of(client, world, "one two", "three")
    original = await said.read()
    await said.change({"id": 0, "text": "uno dos", "speaker": "Ben"}, {"id": 1, "text": ""})
    answer = await said.post("versions/0/restore")
    assert answer.json() == {"version": 2, "segments_changed": 2, "speakers_changed": 0}
    assert (await said.read())["segments"] == original["segments"]
    # To what it says already.
    assert (await said.post("versions/2/restore")).json() == {
        "version": 2,
        "segments_changed": 0,
        "speakers_changed": 0,
    }
    await said.post("versions/1/restore")
    assert await said.texts() == ["uno dos", ""]
    beyond = await said.post("versions/9/restore")
    assert (beyond.status_code, beyond.json()["code"]) == (404, "version_not_found")


async def test_a_call_that_changes_nothing_makes_no_version(client: httpx.AsyncClient, world: World) -> None:
    said = await talk_of(client, world, "same")
    for answer in (
        await said.change_one(0, text="same"),
        await said.change_one(0, speaker="SPEAKER_00"),
        await said.change_one(0),
        await said.post("replace", find="other", replace="x"),
        await said.post("replace", find="same", replace="same"),
    ):
        assert (answer.status_code, answer.json()["version"], answer.json()["segments_changed"]) == (200, 0, 0)


@pytest.mark.parametrize(
    ("options", "texts", "count"),
    [
        ({}, ["X is X.", "exists as X"], 3),
        ({"match_case": True}, ["IT is X.", "exists as X"], 2),
        ({"find": "is", "replace": "was"}, ["IT was it.", "exwasts as it"], 2),
        ({"find": "is", "replace": "was", "whole_words": True}, ["IT was it.", "exists as it"], 1),
        ({"find": "as it", "replace": r"\1 as  it"}, ["IT is it.", r"exists \1 as it"], 1),
        ({"find": "a", "replace": ""}, ["IT is it.", "exists s it"], 1),
        ({"find": ".", "replace": "!"}, ["IT is it!", "exists as it"], 1),
    ],
)
async def test_a_text_is_replaced_wherever_it_stands(
    client: httpx.AsyncClient, world: World, options: dict[str, Any], texts: list[str], count: int
) -> None:
    said = await talk_of(client, world, "IT is it.", "exists as it")
    answer = await said.post("replace", **{"find": "it", "replace": "X"} | options)
    assert (await said.texts(), answer.json()["replacements"]) == (texts, count)
    assert answer.json()["version"] == 1


async def test_of_two_edits_at_once_none_is_lost(client: httpx.AsyncClient, world: World) -> None:
    said = await talk_of(client, world, *(f"word {number}" for number in range(6)))
    answers = await asyncio.gather(*(said.change_one(number, text=f"text {number}") for number in range(6)))
    assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4, 5, 6]
    assert await said.texts() == [f"text {number}" for number in range(6)]
    # The same segment, by people who all have read version 6.
    answers = await asyncio.gather(*(said.change_one(0, text=f"again {number}", version=6) for number in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert (refused["code"], refused["version"]) == ("transcript_changed", 7)
    (kept,) = [answer.json()["segments"][0]["text"] for answer in answers if answer.status_code == 200]
    assert (await said.texts())[0] == kept
    assert [(await said.texts(f"?version={number}"))[0] for number in (0, 6, 7)] == ["word 0", "text 0", kept]
    for call in (
        said.change({"id": 0, "text": "x"}, version=6),
        said.post("replace", find="a", replace="b", version=6),
        said.post("versions/0/restore", version=8),
    ):
        assert (await call).json()["code"] == "transcript_changed"


async def test_others_can_neither_read_versions_nor_change_what_is_said(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    said = await talk_of(client, world, "secret")
    await said.change_one(0, text="public")
    stranger, viewer = await world.tenant("Ben"), await world.tenant("Cleo")
    async with components.database.transaction() as session:
        await members.set_role(session, library_id=said.tenant.library_id, account_id=viewer.account_id, role="viewer")

    async def all_of(tenant: Tenant) -> list[tuple[int, str | None]]:
        other = Talk(client, tenant, said.item_id)
        answers = [
            await client.get(f"{said.path}?version=0", headers=tenant.headers),
            await client.get(f"{said.path}/versions", headers=tenant.headers),
            await client.get(f"{said.path}/versions/1", headers=tenant.headers),
            await other.change_one(0, text="changed"),
            await other.change({"id": 0, "speaker": "Eve"}),
            await other.post("replace", find="public", replace="changed"),
            await other.post("versions/0/restore"),
        ]
        return [(answer.status_code, answer.json().get("code")) for answer in answers]

    assert await all_of(stranger) == [(404, "item_not_found")] * 7
    assert await all_of(viewer) == [(200, None)] * 3 + [(403, "forbidden")] * 4
    async with components.database.transaction() as session:
        library = await session.get_one(libraries.Library, said.tenant.library_id)
        library.visibility = "public"
    assert await all_of(stranger) == [(403, "forbidden")] * 7
    assert (await client.get(said.path, headers=stranger.headers)).json()["segments"][0]["text"] == "public"
    assert await said.texts() == ["public"]
    reader = await world.tenant("Dan", scopes=("read",))
    own = Talk(client, reader, await world.item(reader.dataset_id, talk("mine")))
    assert (await own.change_one(0, text="x")).json()["code"] == "scope_missing"


@pytest.mark.parametrize("status", ["queued", "processing", "failed", "cancelled"])
async def test_what_may_still_be_worked_on_is_not_corrected(
    client: httpx.AsyncClient, world: World, status: str
) -> None:
    tenant = await world.tenant()
    said = Talk(client, tenant, await world.item(tenant.dataset_id, talk("hello"), status=status))
    for answer in (
        await said.change_one(0, text="x"),
        await said.post("replace", find="hello", replace="x"),
        await said.post("versions/0/restore"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_published")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"segments": []}, 400, "segments: must not be empty."),
        ({"segments": [{"id": 0}, {"id": 0}]}, 400, "segments: a segment is named twice."),
        ({"segments": [{"id": 0, "text": "x"}, {"id": 7}]}, 404, "The transcript has no segment 7."),
        ({"segments": [{"id": 0, "text": "a\0b"}]}, 400, "segments[0].text: must not hold a NUL character."),
        ({"segments": [{"id": 0, "text": None}]}, 400, "segments[0].text: must be a text."),
        ({"segments": [{"id": 0, "text": "x" * 5001}]}, 400, "segments[0].text: must have at most 5,000"),
        (
            {"segments": [{"id": 0, "speaker": " "}]},
            400,
            "segments[0].speaker: must not be empty.",
        ),
        ({"segments": [{"id": 0, "speaker": "x" * 201}]}, 400, "segments[0].speaker: must have at most 200"),
        ({"segments": [{"id": 0, "start": 3}]}, 400, "segments[0]: unknown field 'start'"),
        ({"segments": [{"id": 0}], "version": -1}, 400, "version: must be at least 0."),
    ],
)
async def test_a_correction_that_cannot_be_made_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, world: World, body: dict[str, Any], status: int, message: str
) -> None:
    said = await talk_of(client, world, "hello")
    answer = await client.patch(f"{said.path}/segments", headers=said.tenant.headers, json=body)
    assert (answer.status_code, answer.json()["message"].startswith(message)) == (status, True), answer.text
    assert (await said.read())["version"] == 0


async def test_a_replacement_that_makes_a_text_too_long_is_refused(client: httpx.AsyncClient, world: World) -> None:
    said = await talk_of(client, world, "a " * 20 + "a")
    answer = await said.post("replace", find="a", replace="b" * 1000)
    assert answer.status_code == 400
    assert "segment 0 would have 21020 characters; at most 5000" in answer.json()["message"]


async def test_names_that_are_not_said_any_more_are_no_longer_counted(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    texts = [
        segment("John met Mary Ann", start=0),
        segment("Smith and John", start=2),
        segment("John came back", start=10),
    ]
    said = Talk(client, tenant, await world.item(tenant.dataset_id, texts))
    async with components.database.transaction() as session:
        item = await items.get_item(session, said.item_id)
        assert item is not None
        assert item.transcript_id is not None
        rows = await transcripts.list_segments(session, item.transcript_id)
        named = [
            ("John", 0, 0.0, 0.5),
            ("Mary Ann Smith", 0, 1.0, 2.5),
            ("John", 1, 3.0, 3.5),
            ("John", 2, 10.0, 10.5),
        ]
        found = [
            FoundMention(
                type="person", name=name, segment_id=rows[at].id, start=start, end=end, text=name, confidence=None
            )
            for name, at, start, end in named
        ]
        await entities.replace_entities(session, item_id=said.item_id, transcript_id=item.transcript_id, found=found)

    async def counted() -> dict[str, int]:
        body = (await client.get(f"/api/items/{said.item_id}", headers=tenant.headers)).json()
        return {entity["name"]: entity["mentions"] for entity in body["entities"]}

    assert await counted() == {"John": 3, "Mary Ann Smith": 1}
    # Case and punctuation make no other name.
    await said.change_one(0, text="john, met: Mary Ann")
    assert await counted() == {"John": 3, "Mary Ann Smith": 1}
    # One goes with its segment, another begins in the segment before.
    await said.change_one(1, text="Smyth and Joan")
    assert await counted() == {"John": 2}
    # It is said, but not where it was.
    await said.change_one(2, text="Joan came back, John")
    assert await counted() == {"John": 1}
    await said.post("replace", find="john", replace="Joan")
    assert await counted() == {}
    listed = await client.get(f"/api/items/{said.item_id}/entities", headers=tenant.headers)
    assert listed.json()["total"] == 0
