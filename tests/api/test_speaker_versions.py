"""Who speaks in an item, corrected: every change is a version that says who was called what, can be read and restored."""

import asyncio
import random
from typing import Any

import httpx

from echoic.compose import Components
from echoic.db.catalog import libraries, members
from tests.api.people import (
    ANNA,
    BERT,
    A,
    Asking,
    B,
    C,
    called,
    history,
    item_of,
    talk_of_two,
)
from tests.api.talk import Talk
from tests.factories import World


async def test_every_name_is_a_version_with_author_and_the_names_before_and_after(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    original = await said.read()
    anna = await ask.name(said.item_id, A, "Ana")
    right = await ask.name(said.item_id, A, "Anna")
    await ask("DELETE", f"/api/items/{said.item_id}/speakers/{A}")
    versions = (await said.versions())["versions"]
    assert [(entry["version"], entry["author"]["account_id"]) for entry in versions] == [
        (number, ask.tenant.account_id) for number in (3, 2, 1)
    ]
    assert all(entry["created_at"].endswith("Z") and entry["segments_changed"] == 0 for entry in versions)
    assert versions[1]["speakers"] == [
        {
            "label": A,
            "speaker_id_before": anna,
            "name_before": "Ana",
            "how_before": "enrolled",
            "speaker_id_after": right,
            "name_after": "Anna",
            "how_after": "enrolled",
        }
    ]
    assert await history(said) == [(3, [(A, "Anna", None)]), (2, [(A, "Ana", "Anna")]), (1, [(A, None, "Ana")])]
    assert (await said.versions("/2"))["speakers"] == versions[1]["speakers"]
    assert await said.read("?version=0") == original
    assert [(await called(said, f"?version={number}"))[:2] for number in range(4)] == [
        [A, B],
        ["Ana", B],
        ["Anna", B],
        [A, B],
    ]
    assert len(await said.texts("?version=2&speaker=anna")) == 2
    written = await said.client.get(f"{said.path}?version=1&format=txt", headers=said.tenant.headers)
    assert "Ana:" in written.text
    # Said once more, it is no change.
    again = await ask("DELETE", f"/api/items/{said.item_id}/speakers/{A}")
    assert again["version"] == 3


async def test_names_come_back_with_a_restore_and_the_voice_is_learned_again(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    other = await item_of(world, components, ask.tenant, ANNA)
    await ask.name(said.item_id, A, "Anna")
    await ask.name(said.item_id, A, "Carl")
    await said.change_one(0, text="Word zero")
    answer = await said.post("versions/1/restore")
    assert answer.json() == {"version": 4, "segments_changed": 1, "speakers_changed": 1}
    assert await called(said) == ["Anna", B, "Anna", B]
    assert (await said.texts())[0] == "word 0 here"
    assert (await history(said))[0] == (4, [(A, "Carl", "Anna")])
    await ask.chores_done()
    assert await ask.labels(other) == {A: ("Anna", "matched")}
    # Before anybody said anything, the voice decides; and it is nobody's now.
    await said.post("versions/0/restore")
    assert await ask.labels(said.item_id) == {A: (None, None), B: (None, None)}
    await ask.chores_done()
    assert await ask.labels(other) == {A: (None, None)}
    assert (await said.post("versions/0/restore")).json()["version"] == 5


async def test_what_the_voice_said_is_what_stood_there_before_somebody_said_otherwise(
    ask: Asking, world: World, components: Components
) -> None:
    teacher = await item_of(world, components, ask.tenant, ANNA)
    said = await talk_of_two(ask, world, components)
    await ask.name(teacher, A, "Anna")
    await ask.chores_done()
    assert await called(said, "?version=0") == ["Anna", B, "Anna", B], "recognition is no version"
    await ask.name(said.item_id, A, "Carl")
    assert await called(said, "?version=0") == ["Anna", B, "Anna", B]
    await said.post("versions/0/restore")
    assert (await ask.labels(said.item_id))[A] == ("Anna", "matched")


async def test_a_person_is_shown_by_the_present_name_and_is_forgotten_in_versions_too(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    anna, bert = await ask.name(said.item_id, A, "Ana"), await ask.name(said.item_id, B, "Bert")
    await ask.name(said.item_id, A, "Bert")
    await ask("PATCH", f"{ask.people}/{anna}", json={"name": "Anna"})
    assert (await said.read())["version"] == 3, "a new name for a person is no edit of a transcript"
    assert await called(said, "?version=2") == ["Anna", "Bert", "Anna", "Bert"]
    assert (await history(said))[0] == (3, [(A, "Anna", "Bert")])
    # One person with another: what was the other's is this one's.
    cleo = (await ask("POST", ask.people, 201, json={"name": "Cleo"}))["id"]
    await ask("POST", f"{ask.people}/{cleo}/merge", json={"speaker_ids": [anna]})
    assert await called(said, "?version=2") == ["Cleo", "Bert", "Cleo", "Bert"]
    await ask("DELETE", f"{ask.people}/{cleo}", 204)
    assert await called(said, "?version=2") == [A, "Bert", A, "Bert"]
    everything = await said.client.get(f"{said.path}/versions", headers=said.tenant.headers)
    assert "Cleo" not in everything.text
    await said.post("versions/2/restore")
    assert await ask.labels(said.item_id) == {A: (None, None), B: ("Bert", "enrolled")}
    await ask("DELETE", f"{ask.people}/{bert}/voiceprints", 204)
    await ask.name(said.item_id, B, "Dora")
    await said.post("versions/2/restore")
    assert (await ask.labels(said.item_id))[B] == ("Bert", "by_hand"), "a forgotten voice is not learned again"


async def test_what_a_voice_said_is_gone_from_versions_where_voices_are_kept_no_more(
    ask: Asking, world: World, components: Components
) -> None:
    teacher = await item_of(world, components, ask.tenant, ANNA)
    said = await talk_of_two(ask, world, components)
    await ask.name(teacher, A, "Anna")
    await ask.chores_done()
    await ask.name(said.item_id, A, "Carl")
    await ask("PATCH", f"/api/datasets/{ask.tenant.dataset_id}", json={"identify_speakers": False})
    assert await called(said, "?version=0") == [A, B, A, B]
    await said.post("versions/0/restore")
    assert (await ask.labels(said.item_id))[A] == (None, None)
    await said.post("versions/1/restore")
    assert (await ask.labels(said.item_id))[A] == ("Carl", "by_hand")


async def test_a_person_split_into_two_makes_a_version_in_each_of_the_items(
    ask: Asking, world: World, components: Components
) -> None:
    first, second, third = [await item_of(world, components, ask.tenant, ANNA, BERT) for _ in range(3)]
    for item_id in (first, second, third):
        anna = await ask.name(item_id, A, "Anna")
    await ask.name(second, B, "Anna")
    places = [{"item_id": item_id, "label": label} for item_id, label in ((second, B), (second, A), (first, A))]
    await ask("POST", f"{ask.people}/{anna}/split", 201, json={"name": "Cleo", "appearances": places})
    assert [(await history(Talk(ask.client, ask.tenant, item_id)))[0] for item_id in (first, second, third)] == [
        (2, [(A, "Anna", "Cleo")]),
        (3, [(A, "Anna", "Cleo"), (B, "Anna", "Cleo")]),
        (1, [(A, None, "Anna")]),
    ]
    said = Talk(ask.client, ask.tenant, second)
    await said.post("versions/2/restore")
    assert await ask.labels(second) == {A: ("Anna", "enrolled"), B: ("Anna", "enrolled")}


async def test_after_any_edits_each_version_is_read_as_it_was_and_restored_as_it_is_read(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    at, rng = f"/api/items/{said.item_id}/speakers", random.Random(2)

    async def some_edit(number: int) -> None:
        label, other = rng.choice([A, B, C]), rng.choice([A, B, C])
        headers = ask.tenant.headers
        edits = [
            lambda: ask.client.post(f"{at}/{label}", headers=headers, json={"name": f"Person {rng.randrange(3)}"}),
            lambda: ask.client.delete(f"{at}/{label}", headers=headers),
            lambda: ask.client.post(f"{at}/{label}/merge", headers=headers, json={"into": other}),
            lambda: ask.client.post(f"{at}/{label}/split", headers=headers, json={"segments": [1], "name": "Dora"}),
            lambda: said.change_one(rng.randrange(4), speaker=label, text=f"text {number}"),
            lambda: said.post(f"versions/{rng.randrange(number + 1)}/restore"),
        ]
        assert (await rng.choice(edits)()).status_code < 500

    seen: dict[int, tuple[Any, Any]] = {}
    for number in range(40):
        now = await said.read()
        seen[now["version"]] = (now["segments"], now["speaker_names"])
        await some_edit(number)
    assert len(seen) > 15
    for version, what in seen.items():
        was = await said.read(f"?version={version}")
        assert (was["segments"], was["speaker_names"]) == what, version
    for version, what in seen.items():
        await said.post(f"versions/{version}/restore")
        now = await said.read()
        assert (now["segments"], now["speaker_names"]) == what, version


async def test_of_two_editors_at_once_one_is_told_what_the_other_did(
    ask: Asking, world: World, components: Components
) -> None:
    headers, known = ask.tenant.headers, {"version": 0}
    for _ in range(3):
        said = await talk_of_two(ask, world, components)
        at = f"/api/items/{said.item_id}/speakers"
        answers = await asyncio.gather(
            ask.client.post(f"{at}/{A}", headers=headers, json={"name": "Anna"} | known),
            ask.client.post(f"{at}/{B}", headers=headers, json={"name": "Bert"} | known),
            ask.client.post(f"{at}/{B}/merge", headers=headers, json={"into": A} | known),
            ask.client.post(f"{at}/{A}/split", headers=headers, json={"segments": [0]} | known),
            ask.client.delete(f"{at}/{A}?version=0", headers=headers),
            said.change_one(1, speaker=A, **known),
        )
        assert sorted(answer.status_code for answer in answers)[1:] == [409] * 5, [each.text for each in answers]
        refused = {(each.json()["code"], each.json()["version"]) for each in answers if each.status_code == 409}
        assert refused == {("transcript_changed", 1)}
    # Without a version all are made, one after the other.
    before = (await said.read())["version"]
    names = [ask.client.post(f"{at}/{A}", headers=headers, json={"name": f"Anna{n}"}) for n in range(5)]
    made = await asyncio.gather(*names, said.change_one(3, text="other"), said.post("versions/0/restore"))
    assert {answer.status_code for answer in made} == {200}
    numbers = [entry["version"] for entry in (await said.versions())["versions"]]
    assert numbers == list(range(numbers[0], 0, -1))
    assert numbers[0] - before >= 6


async def test_readers_of_a_public_library_see_the_present_names_only(
    ask: Asking, world: World, components: Components, client: httpx.AsyncClient
) -> None:
    said = await talk_of_two(ask, world, components)
    await ask.name(said.item_id, A, "Wrong Name")
    await ask.name(said.item_id, A, "Anna")
    stranger, viewer = await world.tenant("Ben"), await world.tenant("Cleo")
    async with components.database.transaction() as session:
        library = await session.get_one(libraries.Library, said.tenant.library_id)
        library.visibility = "public"
        await members.set_role(session, library_id=library.id, account_id=viewer.account_id, role="viewer")
    at = f"/api/items/{said.item_id}"
    for path in ("/transcript?version=1", "/transcript/versions", "/transcript/versions/1"):
        answer = await client.get(at + path, headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        assert (await client.get(at + path, headers=viewer.headers)).status_code == 200
    for path in ("", "/transcript", "/speakers", "/transcript?format=txt"):
        answer = await client.get(at + path, headers=stranger.headers)
        assert answer.status_code == 200
        assert "Wrong" not in answer.text
    for tenant in (stranger, viewer):
        for path, body in (("merge", {"into": A}), ("split", {"segments": [1]})):
            answer = await client.post(f"{at}/speakers/{B}/{path}", headers=tenant.headers, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
