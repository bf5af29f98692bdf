"""Labels of an item that are one person, and segments that are somebody else's: merged, split, followed by search."""

from dataclasses import replace
from typing import Any

import pytest

from echoic.compose import Components
from tests.api.people import (
    BERT,
    A,
    Asking,
    B,
    C,
    called,
    facets,
    found_by,
    history,
    item_of,
    talk_of_two,
)
from tests.factories import World, segment


async def test_merging_two_labels_moves_all_that_was_said_and_search_follows_with_the_answer(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    original = await said.read()
    anna, bert = await ask.name(said.item_id, A, "Anna"), await ask.name(said.item_id, B, "Bert")
    assert await facets(said) == {"Anna": 2, "Bert": 2}
    url = f"/api/items/{said.item_id}/speakers/{B}/merge"
    merged = await ask("POST", url, json={"into": "anna", "version": 2})
    assert (merged["version"], [(each["label"], each["segments"]) for each in merged["speakers"]]) == (3, [(A, 4)])
    assert await called(said) == ["Anna"] * 4
    assert {word["speaker"] for part in (await said.read())["segments"] for word in part["words"]} == {A}
    assert (await facets(said), await found_by(said, "Bert"), await found_by(said, B)) == ({"Anna": 4}, 0, 0)
    # Bert does not appear in the item any more, nor is the voice that was taken for his: it was not.
    assert [(await ask("GET", f"{ask.people}/{who}"))["appearances"] for who in (anna, bert)] == [1, 0]
    assert (await ask("GET", f"{ask.people}/{bert}"))["voiceprints"] == 0
    await ask.chores_done()
    assert (await ask("GET", f"{ask.people}/{bert}/appearances"))["total"] == 0
    entry = (await said.versions("/3"))["changes"]
    assert [(each["id"], each["speaker_before"], each["speaker_after"]) for each in entry] == [(1, B, A), (3, B, A)]
    assert (await history(said))[0] == (3, [(B, "Bert", None)])
    assert await called(said, "?version=2") == ["Anna", "Bert", "Anna", "Bert"]
    answer = await said.post("versions/2/restore")
    assert answer.json() == {"version": 4, "segments_changed": 2, "speakers_changed": 1}
    assert await ask.labels(said.item_id) == {A: ("Anna", "enrolled"), B: ("Bert", "enrolled")}
    assert (await facets(said), await found_by(said, "bert")) == ({"Anna": 2, "Bert": 2}, 2)
    await said.post("versions/0/restore")
    now = await said.read()
    assert (now["segments"], now["speaker_names"]) == (original["segments"], {})


async def test_of_labels_with_one_name_another_is_meant_than_the_one_that_is_merged(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    for label in (A, B):
        await ask.name(said.item_id, label, "Anna")
    assert (await said.change_one(3, speaker="Anna")).json()["segments"][0]["speaker"] == A
    for label, into in ((A, B), (B, A)):
        merged = await ask("POST", f"/api/items/{said.item_id}/speakers/{label}/merge", json={"into": "anna"})
        assert [each["label"] for each in merged["speakers"]] == [into]
        await said.post("versions/2/restore")


async def test_a_label_that_nobody_speaks_under_is_not_recognized_by_its_voice(
    ask: Asking, world: World, components: Components
) -> None:
    teacher = await item_of(world, components, ask.tenant, BERT)
    said = await talk_of_two(ask, world, components)
    bert = await ask.name(teacher, A, "Bert")
    await ask.chores_done()
    await said.change({"id": 1, "speaker": A}, {"id": 3, "speaker": A})
    await ask.chores_done()
    assert [each["item_id"] for each in (await ask("GET", f"{ask.people}/{bert}/appearances"))["appearances"]] == [
        teacher
    ]
    await said.change_one(1, speaker=B)
    await ask.name(await item_of(world, components, ask.tenant, BERT), A, "Bert")
    await ask.chores_done()
    assert (await ask.labels(said.item_id))[B] == ("Bert", "matched"), "somebody speaks under it again"


async def test_segments_that_are_somebody_elses_go_to_a_new_label_with_or_without_a_name(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    await ask.name(said.item_id, A, "Anna")
    url = f"/api/items/{said.item_id}/speakers/{A}/split"
    made = await ask("POST", url, 201, json={"segments": [2, 2], "name": "Cleo"})
    assert (made["label"], made["version"]) == (C, 2)
    assert await called(said) == ["Anna", B, "Cleo", B]
    assert (await ask.labels(said.item_id))[C] == ("Cleo", "by_hand")
    assert await facets(said) == {"Anna": 1, B: 2, "Cleo": 1}
    assert (await history(said))[0] == (2, [(C, None, "Cleo")])
    other = await ask("POST", f"/api/items/{said.item_id}/speakers/{B}/split", 201, json={"segments": [3]})
    assert (other["label"], (await called(said))[3]) == ("SPEAKER_03", "SPEAKER_03")
    await said.post("versions/1/restore")
    assert (await called(said), await facets(said)) == (["Anna", B, "Anna", B], {"Anna": 2, B: 2})
    assert [await called(said, f"?version={number}") for number in (2, 3)] == [
        ["Anna", B, "Cleo", B],
        ["Anna", B, "Cleo", "SPEAKER_03"],
    ]
    # A label that somebody was known under is not used again for another.
    again = await ask("POST", url, 201, json={"segments": [0]})
    assert again["label"] == "SPEAKER_03"


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "message"),
    [
        (f"{A}/merge", {}, 400, "field_invalid", "into"),
        (f"{A}/merge", {"into": A.lower()}, 400, "field_invalid", "into: a label cannot be merged into itself."),
        (f"{A}/merge", {"into": "Nobody"}, 404, "speaker_not_found", "Nobody speaks as 'Nobody'"),
        (f"{C}/merge", {"into": A}, 404, "speaker_not_found", f"Nobody speaks as '{C}'"),
        (f"{C}/split", {"segments": [0]}, 404, "speaker_not_found", f"Nobody speaks as '{C}'"),
        (f"{A}/split", {"segments": []}, 400, "field_invalid", "segments"),
        (f"{A}/split", {"segments": [0, 1]}, 400, "field_invalid", f"segments: segment 1 is not spoken by '{A}'."),
        (f"{A}/split", {"segments": [0, 9]}, 404, "segment_not_found", "The transcript has no segment 9."),
        (f"{A}/split", {"segments": [0], "name": "X", "speaker_id": 1}, 400, "field_invalid", "Give 'speaker_id'"),
        (f"{A}/split", {"segments": [0], "speaker_id": 999}, 404, "speaker_not_found", ""),
    ],
)
async def test_what_cannot_be_merged_or_split_is_refused_and_changes_nothing(
    ask: Asking,
    world: World,
    components: Components,
    path: str,
    body: dict[str, Any],
    *,
    status: int,
    code: str,
    message: str,
) -> None:
    said = await talk_of_two(ask, world, components)
    answer = await ask("POST", f"/api/items/{said.item_id}/speakers/{path}", status, json=body)
    assert (answer["code"], message in answer["message"]) == (code, True), answer
    assert (await said.read())["version"] == 0


@pytest.mark.parametrize("status", ["queued", "failed"])
async def test_labels_of_what_may_still_be_worked_on_are_named_but_neither_merged_nor_split(
    ask: Asking, world: World, status: str
) -> None:
    item_id = await world.item(ask.tenant.dataset_id, [segment("word", speaker=A)], status=status)
    at = f"/api/items/{item_id}/speakers/{A}"
    for path, body in (("merge", {"into": B}), ("split", {"segments": [0]})):
        assert (await ask("POST", f"{at}/{path}", 409, json=body))["code"] == "not_published"
    assert (await ask("POST", at, json={"name": "Anna"}))["version"] == 1


async def test_times_that_are_added_up_stay_milliseconds(ask: Asking, world: World) -> None:
    times = ((0.0, 2.1), (3.14, 10.36))
    spoken = [replace(segment("Hello.", start=start, speaker=A), end=end) for start, end in times]
    item_id = await world.item(ask.tenant.dataset_id, spoken)
    (label,) = (await ask("GET", f"/api/items/{item_id}/speakers"))["speakers"]
    assert label["seconds"] == 9.32
