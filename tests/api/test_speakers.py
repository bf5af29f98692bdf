"""The people of a library over the API: named, recognized, corrected, forgotten, and seen wherever names are shown."""

from typing import Any

import httpx
import pytest

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.catalog.libraries import Role
from tests.api.people import ANNA, BERT, A, Asking, B, item_of
from tests.factories import World, segment


async def test_a_speaker_named_in_one_item_is_named_in_all_and_everywhere_names_are_shown(
    ask: Asking, world: World, components: Components
) -> None:
    first = await item_of(world, components, ask.tenant, ANNA, BERT)
    second = await item_of(world, components, ask.tenant, BERT, ANNA)
    anna = await ask.name(first, A, "Anna Weber")
    assert await ask.labels(first) == {A: ("Anna Weber", "enrolled"), B: (None, None)}
    assert await ask.chores_done() == 1
    assert await ask.labels(second) == {A: (None, None), B: ("Anna Weber", "matched")}
    transcript = await ask("GET", f"/api/items/{second}/transcript")
    assert transcript["speakers"] == [A, B]
    assert transcript["speaker_names"] == {B: "Anna Weber"}
    assert [(each["speaker"], each["speaker_name"]) for each in transcript["segments"]] == [
        (A, None),
        (B, "Anna Weber"),
    ]
    for form in ("txt", "srt", "vtt", "csv", "rttm"):
        query: dict[str, str] = {"format": form} | ({} if form == "rttm" else {"speakers": "true"})
        answer = await ask.client.get(f"/api/items/{second}/transcript", params=query, headers=ask.tenant.headers)
        assert "Anna Weber" in answer.text.replace("_", " "), form
        assert "SPEAKER_00" in answer.text, form
        assert "SPEAKER_01" not in answer.text, form
    only = await ask("GET", f"/api/items/{second}/transcript", params={"speaker": "anna weber"})
    assert [each["speaker"] for each in only["segments"]] == [B]
    for name in ("ANNA WEBER", B):
        found = await ask(
            "POST", "/api/search", json={"query": "word", "search_type": "text", "filters": {"speakers": [name]}}
        )
        assert [hit["speaker"] for hit in found["results"] if hit["item_id"] == second] == ["Anna Weber"]
    places = (await ask("GET", f"{ask.people}/{anna}/appearances"))["appearances"]
    assert [(each["item_id"], each["label"], each["how"]) for each in places] == [
        (second, B, "matched"),
        (first, A, "enrolled"),
    ]
    assert places[0]["confidence"] > 0.9


async def test_people_are_made_listed_renamed_and_told_apart_by_name(ask: Asking, world: World) -> None:
    made = await ask("POST", ask.people, 201, json={"name": " Bert "})
    silent = {"appearances": 0, "items": 0, "voiceprints": 0, "seconds": 0.0, "sample": None}
    assert made == {"id": made["id"], "name": "Bert", **silent}
    taken = await ask("POST", ask.people, 409, json={"name": "BERT"})
    assert taken["code"] == "speaker_name_taken"
    anna = await ask("POST", ask.people, 201, json={"name": "Anna"})
    listed = await ask("GET", ask.people)
    assert ([each["name"] for each in listed["speakers"]], listed["total"]) == (["Anna", "Bert"], 2)
    narrowed = await ask("GET", f"{ask.people}?q=NN")
    assert ([each["name"] for each in narrowed["speakers"]], narrowed["total"]) == (["Anna"], 1)
    await ask("PATCH", f"{ask.people}/{anna['id']}", 409, json={"name": "bert"})
    assert (await ask("PATCH", f"{ask.people}/{anna['id']}", json={"name": "anna"}))["name"] == "anna"
    await ask("PATCH", f"{ask.people}/{anna['id']}", 400, json={"name": " "})
    await ask("GET", f"{ask.people}/999", 404)


async def test_a_person_has_a_speaking_time_and_a_sample_of_the_voice(ask: Asking, world: World) -> None:
    said = [
        segment("short " * 4, start=0.0, speaker=A),
        segment("longest " * 18, start=10.0, speaker=A),
        segment("somebody else " * 40, start=20.0, speaker=B),
    ]
    first = await world.item(ask.tenant.dataset_id, said)
    second = await world.item(ask.tenant.dataset_id, [segment("later " * 7, start=5.0, speaker=B)])
    anna = await ask.name(first, A, "Anna")
    await ask.name(second, B, "Anna")
    sample = {"item_id": first, "start": 10.0, "end": 19.0}
    (listed,) = (await ask("GET", ask.people))["speakers"]
    assert listed == {
        "id": anna,
        "name": "Anna",
        "appearances": 2,
        "items": 2,
        "voiceprints": 0,
        "seconds": 14.5,
        "sample": sample,
    }
    assert await ask("GET", f"{ask.people}/{anna}") == listed
    places = (await ask("GET", f"{ask.people}/{anna}/appearances"))["appearances"]
    assert [(each["item_id"], each["seconds"], each["start"], each["sample"]) for each in places] == [
        (second, 3.5, 5.0, {"item_id": second, "start": 5.0, "end": 8.5}),
        (first, 11.0, 0.0, sample),
    ]


async def test_names_that_were_said_wait_for_a_yes_in_all_recordings_of_a_library(ask: Asking, world: World) -> None:
    suggestions = ask.people.replace("/speakers", "/suggestions")
    said = [segment("Hello, I'm Anna Weber.", start=3.0, speaker=A), segment("Good day.", start=9.0, speaker=B)]
    first, second = [await world.item(ask.tenant.dataset_id, said) for _ in range(2)]
    await world.item(ask.tenant.dataset_id, [segment("nobody says a name", speaker=A)])
    found = await ask("GET", suggestions)
    assert [(each["item_id"], each["label"]) for each in found["unnamed"]] == [(second, A), (first, A)]
    (suggestion,) = found["unnamed"][0]["suggestions"]
    assert (suggestion["name"], suggestion["kind"]) == ("Anna Weber", "said_of_self")
    assert found["unnamed"][0]["sample"]["item_id"] == second
    page = await ask("GET", f"{suggestions}?limit=1")
    assert ([each["item_id"] for each in page["unnamed"]], page["has_more"]) == ([second], True)
    assert [each["item_id"] for each in (await ask("GET", f"{suggestions}?limit=1&offset=1"))["unnamed"]] == [first]
    await ask.name(first, A, "Anna Weber")
    await ask("DELETE", f"/api/items/{second}/speakers/{A}")
    assert await ask("GET", suggestions) == {"unnamed": [], "limit": 20, "offset": 0, "has_more": False}


async def test_a_wrong_name_is_corrected_and_the_voice_goes_with_it(
    ask: Asking, world: World, components: Components
) -> None:
    first, second = [await item_of(world, components, ask.tenant, ANNA) for _ in range(2)]
    await ask.name(first, A, "Bert")
    await ask.chores_done()
    assert await ask.labels(second) == {A: ("Bert", "matched")}
    await ask.name(first, A, "Anna")
    await ask.chores_done()
    assert await ask.labels(second) == {A: ("Anna", "matched")}
    await ask("DELETE", f"/api/items/{second}/speakers/{A}")
    await ask.chores_done()
    assert await ask.labels(second) == {A: (None, "by_hand")}, "whatever the voice is like"
    await ask("DELETE", f"/api/items/{first}/speakers/{A}")
    third = await item_of(world, components, ask.tenant, ANNA)
    await ask.chores_done()
    assert await ask.labels(third) == {A: (None, None)}, "nothing is learned from it any more"


async def test_people_are_merged_and_split_again(ask: Asking, world: World, components: Components) -> None:
    first, second = [await item_of(world, components, ask.tenant, person) for person in (ANNA, BERT)]
    anna, bert = await ask.name(first, A, "Anna"), await ask.name(second, A, "Bert")
    await ask("POST", f"{ask.people}/{anna}/merge", 400, json={"speaker_ids": [anna]})
    await ask("POST", f"{ask.people}/{anna}/merge", 404, json={"speaker_ids": [bert, 999]})
    merged = await ask("POST", f"{ask.people}/{anna}/merge", json={"speaker_ids": [bert]})
    assert (merged["appearances"], merged["voiceprints"]) == (2, 2)
    await ask("GET", f"{ask.people}/{bert}", 404)
    assert await ask.labels(second) == {A: ("Anna", "enrolled")}
    place = {"item_id": second, "label": A}
    await ask("POST", f"{ask.people}/{anna}/split", 400, json={"name": "B", "appearances": [place | {"label": "X"}]})
    made = await ask("POST", f"{ask.people}/{anna}/split", 201, json={"name": "Bert", "appearances": [place]})
    assert (made["name"], made["appearances"], made["voiceprints"]) == ("Bert", 1, 1)
    third = await item_of(world, components, ask.tenant, BERT)
    await ask.chores_done()
    assert await ask.labels(third) == {A: ("Bert", "matched")}


async def test_a_forgotten_voice_and_a_deleted_speaker_take_their_vectors_with_them(
    ask: Asking, world: World, components: Components
) -> None:
    first, second = [await item_of(world, components, ask.tenant, ANNA) for _ in range(2)]
    anna = await ask.name(first, A, "Anna")
    await ask.chores_done()
    assert await ask.vectors() == 2
    await ask("DELETE", f"{ask.people}/{anna}/voiceprints", 204)
    assert await ask.chores_done() == 1
    assert await ask.vectors() == 1
    assert (await ask.labels(first), await ask.labels(second)) == ({A: ("Anna", "by_hand")}, {A: (None, None)})
    await ask.name(second, A, "Anna")
    await ask("DELETE", f"{ask.people}/{anna}", 204)
    assert await ask.vectors() == 0
    assert (await ask.labels(first), await ask.labels(second)) == ({A: (None, None)}, {A: (None, None)})
    assert (await ask("GET", ask.people))["total"] == 0


async def test_a_dataset_that_is_told_to_identify_nobody_loses_its_voices_at_once(
    ask: Asking, world: World, components: Components
) -> None:
    first, second = [await item_of(world, components, ask.tenant, ANNA) for _ in range(2)]
    await ask.name(first, A, "Anna")
    await ask.chores_done()
    url = f"/api/datasets/{ask.tenant.dataset_id}"
    assert (await ask("PATCH", url, json={"identify_speakers": False}))["identify_speakers"] is False
    assert await ask.vectors() == 0
    assert (await ask.labels(first), await ask.labels(second)) == ({A: ("Anna", "by_hand")}, {A: (None, None)})


async def test_a_deleted_item_takes_its_voiceprints_with_it(ask: Asking, world: World, components: Components) -> None:
    item_id = await item_of(world, components, ask.tenant, ANNA, BERT)
    await ask("DELETE", f"/api/items/{item_id}", 204)
    assert await ask.vectors() == 0


async def test_names_that_were_said_are_suggested_and_given_to_nobody(ask: Asking, world: World) -> None:
    item_id = await world.item(ask.tenant.dataset_id, [segment("Hello, I'm Anna Weber.", start=3.0, speaker=A)])
    (found,) = (await ask("GET", f"/api/items/{item_id}/speakers"))["speakers"]
    assert (found["name"], found["has_voiceprint"], found["start"]) == (None, False, 3.0)
    assert found["suggestions"] == [
        {
            "name": "Anna Weber",
            "sentence": "Hello, I'm Anna Weber.",
            "start": 3.5,
            "kind": "said_of_self",
            "confidence": None,
        }
    ]
    named = await ask("POST", f"/api/items/{item_id}/speakers/{A}", json={"name": "Anna Weber"})
    assert named["speakers"][0]["how"] == "by_hand", "there is no voice to learn from"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "field_invalid"),
        ({"name": "Anna", "speaker_id": 1}, 400, "field_invalid"),
        ({"name": " "}, 400, "field_invalid"),
        ({"speaker_id": 999}, 404, "speaker_not_found"),
        ({"speaker_id": "1"}, 400, "field_invalid"),
        ({"nickname": "A"}, 400, "field_invalid"),
    ],
)
async def test_whoever_is_named_has_to_be_somebody(
    ask: Asking, world: World, body: dict[str, Any], status: int, code: str
) -> None:
    item_id = await world.item(ask.tenant.dataset_id, [segment("word", speaker=A)])
    answer = await ask("POST", f"/api/items/{item_id}/speakers/{A}", status, json=body)
    assert answer["code"] == code


async def test_a_label_that_is_not_there_and_an_item_without_a_transcript_are_named(ask: Asking, world: World) -> None:
    item_id = await world.item(ask.tenant.dataset_id, [segment("word", speaker=A)])
    assert (await ask("POST", f"/api/items/{item_id}/speakers/{B}", 404, json={"name": "B"}))[
        "code"
    ] == "speaker_not_found"
    waiting = await world.item(ask.tenant.dataset_id, status="queued")
    assert (await ask("POST", f"/api/items/{waiting}/speakers/{A}", 409, json={"name": "B"}))["code"] == "not_published"
    assert (await ask("GET", f"/api/items/{waiting}/speakers"))["speakers"] == []


async def test_who_may_only_read_sees_names_and_changes_none(
    client: httpx.AsyncClient, ask: Asking, world: World, components: Components
) -> None:
    item_id = await item_of(world, components, ask.tenant, ANNA)
    anna = await ask.name(item_id, A, "Anna")
    viewer, stranger = await world.tenant("Viewer"), await world.tenant("Stranger")
    role: Role = "viewer"
    async with components.database.transaction() as session:
        await libraries.add_member(session, library_id=ask.tenant.library_id, account_id=viewer.account_id, role=role)
    changes = [
        ("POST", f"/api/items/{item_id}/speakers/{A}", {"name": "B"}),
        ("DELETE", f"/api/items/{item_id}/speakers/{A}", None),
        ("POST", ask.people, {"name": "B"}),
        ("PATCH", f"{ask.people}/{anna}", {"name": "B"}),
        ("DELETE", f"{ask.people}/{anna}", None),
        ("DELETE", f"{ask.people}/{anna}/voiceprints", None),
        ("POST", f"{ask.people}/{anna}/merge", {"speaker_ids": [anna + 1]}),
        ("POST", f"{ask.people}/{anna}/split", {"name": "B", "appearances": [{"item_id": item_id, "label": A}]}),
        ("POST", f"{ask.people}/{anna}/clips", None),
    ]
    suggestions = ask.people.replace("/speakers", "/suggestions")
    reads = [
        ask.people,
        suggestions,
        f"{ask.people}/{anna}",
        f"{ask.people}/{anna}/appearances",
        f"/api/items/{item_id}/speakers",
    ]
    for tenant, read, change in ((viewer, 200, 403), (stranger, 404, 404)):
        for url in reads:
            assert (await client.get(url, headers=tenant.headers)).status_code == read, url
        for method, url, body in changes:
            answer = await client.request(method, url, headers=tenant.headers, json=body)
            assert answer.status_code == change, (method, url, answer.text)
    assert await ask.labels(item_id) == {A: ("Anna", "enrolled")}
