"""Voices that are alike, but not enough for a name: suggested to members for a yes or a no."""

import httpx
import numpy as np
import pytest

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.records import Voiceprint, VoiceVector
from echoic.voices.matching import MARKS
from tests.api.people import ANNA, BERT, A, Asking, B, give_voices, item_of, voice
from tests.factories import World, segment

BETWEEN = MARKS.same - MARKS.possible / 2
"""Too little for a name, and enough for a suggestion, where one person is known."""


def like(person: int, cosine: float) -> VoiceVector:
    """A voice with that cosine to a person's, and with none to anybody else's."""
    other = np.zeros(192, dtype=np.float32)
    other[100] = 1.0
    own = voice(person)
    other -= own * float(own @ other)
    mixed = cosine * own + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)
    return np.asarray(mixed, dtype=np.float32)


async def heard_like(ask: Asking, world: World, *voices: tuple[int, float], text: str = "word here") -> int:
    """An item whose labels have voices with these cosines to people's; each says the text."""
    said = [segment(text, start=10.0 * n, speaker=f"SPEAKER_{n:02}") for n in range(len(voices))]
    item_id = await world.item(ask.tenant.dataset_id, said)
    await give_voices(ask.components, item_id, [Voiceprint(vector=like(*each), seconds=20.0) for each in voices])
    return item_id


async def suggested(ask: Asking, item_id: int, headers: dict[str, str] | None = None) -> dict[str, list[str]]:
    path = f"/api/items/{item_id}/speakers"
    answer = await ask.client.get(path, headers=headers or ask.tenant.headers)
    return {
        each["label"]: [f"{one['kind']} {one['name']}" for one in each["suggestions"]]
        for each in answer.json()["speakers"]
    }


@pytest.fixture
async def anna(ask: Asking, world: World, components: Components) -> int:
    """Anna is known by her voice."""
    return await ask.name(await item_of(world, components, ask.tenant, ANNA), A, "Anna")


async def test_an_alike_voice_is_suggested_and_a_yes_or_a_no_is_the_end_of_it(
    ask: Asking, world: World, anna: int
) -> None:
    item_id = await heard_like(ask, world, (ANNA, BETWEEN), (ANNA, BETWEEN - MARKS.possible), (BERT, BETWEEN))
    other = await heard_like(ask, world, (ANNA, BETWEEN))
    await ask.chores_done()
    assert await ask.labels(item_id) == {A: (None, None), B: (None, None), "SPEAKER_02": (None, None)}
    assert await suggested(ask, item_id) == {A: ["voice Anna"], B: [], "SPEAKER_02": []}
    found = await ask("GET", ask.people.replace("/speakers", "/suggestions"))
    assert [(each["item_id"], each["label"]) for each in found["unnamed"]] == [(other, A), (item_id, A)]
    (suggestion,) = found["unnamed"][0]["suggestions"]
    assert (suggestion["sentence"], suggestion["start"]) == (None, 0.0)
    assert suggestion["confidence"] == pytest.approx(BETWEEN, abs=0.001)
    assert await ask.name(item_id, A, "anna") == anna
    await ask("DELETE", f"/api/items/{other}/speakers/{A}")
    await ask.chores_done()
    assert await suggested(ask, item_id) == {A: [], B: [], "SPEAKER_02": []}
    assert await suggested(ask, other) == {A: []}


async def test_a_name_that_was_said_comes_before_the_voices_and_each_name_once(ask: Asking, world: World) -> None:
    await ask.name(await item_of(world, ask.components, ask.tenant, ANNA), A, "Anna Weber")
    items = [
        await heard_like(ask, world, (ANNA, BETWEEN), text=f"Hello, I'm {name}.")
        for name in ("Eva Klein", "Anna Weber")
    ]
    await ask.chores_done()
    assert await suggested(ask, items[0]) == {A: ["said_of_self Eva Klein", "voice Anna Weber"]}
    assert await suggested(ask, items[1]) == {A: ["said_of_self Anna Weber"]}


async def test_forgetting_merging_and_keeping_no_voices_takes_or_moves_the_suggestion(
    ask: Asking, world: World, anna: int
) -> None:
    item_id = await heard_like(ask, world, (ANNA, BETWEEN))
    await ask.chores_done()
    eva = (await ask("POST", ask.people, 201, json={"name": "Eva"}))["id"]
    await ask("POST", f"{ask.people}/{eva}/merge", json={"speaker_ids": [anna]})
    assert await suggested(ask, item_id) == {A: ["voice Eva"]}
    await ask("DELETE", f"{ask.people}/{eva}/voiceprints", 204)
    assert await suggested(ask, item_id) == {A: []}


async def test_a_dataset_that_keeps_no_voices_has_no_suggestions(ask: Asking, world: World, anna: int) -> None:
    item_id = await heard_like(ask, world, (ANNA, BETWEEN))
    await ask.chores_done()
    assert await suggested(ask, item_id) == {A: ["voice Anna"]}
    await ask("PATCH", f"/api/datasets/{ask.tenant.dataset_id}", json={"identify_speakers": False})
    assert await suggested(ask, item_id) == {A: []}


async def test_readers_who_are_no_members_see_no_suggestion_of_a_voice(
    ask: Asking, world: World, client: httpx.AsyncClient, anna: int
) -> None:
    item_id = await heard_like(ask, world, (ANNA, BETWEEN))
    await ask.chores_done()
    async with ask.components.database.transaction() as session:
        library = await libraries.get_library(session, ask.tenant.library_id)
        await libraries.change_library(session, library, visibility="public")
    stranger = await world.tenant("Stranger")
    assert await suggested(ask, item_id, stranger.headers) == {A: []}
    path = ask.people.replace("/speakers", "/suggestions")
    assert (await client.get(path, headers=stranger.headers)).json()["unnamed"] == []
    assert await suggested(ask, item_id) == {A: ["voice Anna"]}


async def test_a_voice_suggests_nobody_to_those_from_whom_a_dataset_hides_names(
    ask: Asking, world: World, components: Components, anna: int
) -> None:
    """Also in a recording of another dataset, of which they read the original."""
    item_id = await heard_like(ask, world, (ANNA, BETWEEN), (BERT, BETWEEN))
    await ask.chores_done()
    secret = {"name": "Secret", "library": ask.people.split("/")[3], "redaction": {"kinds": ["person"]}}
    made = await ask.client.post("/api/datasets", json=secret, headers=ask.tenant.headers)
    assert made.status_code == 201, made.text
    editor = await world.tenant("Editor")
    async with components.database.transaction() as session:
        await libraries.add_member(
            session, library_id=ask.tenant.library_id, account_id=editor.account_id, role="editor"
        )
    assert await suggested(ask, item_id) == {A: ["voice Anna"], B: []}
    assert await suggested(ask, item_id, editor.headers) == {A: [], B: []}
    answer = await ask.client.get(ask.people.replace("/speakers", "/suggestions"), headers=editor.headers)
    assert answer.json()["unnamed"] == []
    answer = await ask.client.post(f"/api/items/{item_id}/speakers/{B}", json={"name": "Bert"}, headers=editor.headers)
    assert [one["suggestions"] for one in answer.json()["speakers"]] == [[], []]
