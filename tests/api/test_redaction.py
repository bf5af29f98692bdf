"""Policies: who sets them, who reads by them, and what would undo them."""

from typing import Any

import httpx
import pytest

from echoic.compose import Components
from echoic.db.accounts.accounts import create_key
from echoic.db.items import items
from tests.api.people import A, Asking
from tests.api.redacted_world import SAID, Reader, hide_everything, reader_of, recording, redacted_for
from tests.factories import World


async def test_what_would_undo_the_redaction_is_refused_to_editors(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    ids, ask, editor = await redacted_for(client, world, components, "editor")
    open_id = (await ask("POST", "/api/datasets", 201, json={"name": "Open", "library": ids["slug"]}))["id"]
    item, dataset = f"/api/items/{ids['item_id']}", f"/api/datasets/{ids['dataset_id']}"
    for method, path, body, code in [
        ("PATCH", dataset, {"redaction": None}, "forbidden"),
        ("PATCH", dataset, {"redaction": {"kinds": ["card"], "original_roles": ["editor"]}}, "forbidden"),
        ("PATCH", dataset, {"replacements": [{"find": "0171", "replace": "null"}]}, "original_withheld"),
        ("POST", f"{dataset}/items/move", {"items": [ids["item_id"]], "dataset_id": open_id}, "original_withheld"),
        ("POST", f"{dataset}/replace", {"find": "a", "replace": "b", "preview": True}, "original_withheld"),
        ("POST", f"{item}/transcribe", {"again": True, "language": "fi"}, "original_withheld"),
        ("PATCH", f"{item}/transcript/segments/1", {"text": "mine"}, "original_withheld"),
        ("POST", f"{item}/transcript/replace", {"find": "0171", "replace": "b"}, "original_withheld"),
        ("POST", f"{item}/transcript/versions/1/restore", {}, "original_withheld"),
        ("POST", f"{item}/speakers/{A}", {"name": "Zebulon Quartermaine"}, "original_withheld"),
        ("POST", f"/api/libraries/{ids['slug']}/speakers", {"name": "Zebulon Quartermaine"}, "original_withheld"),
        (
            "POST",
            "/api/datasets",
            {"name": "New", "library": ids["slug"], "redaction": {"kinds": ["card"]}},
            "forbidden",
        ),
    ]:
        answer = await client.request(method, path, json=body, headers=editor.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, code), (path, answer.text)
    # Work that was begun again is taken up as it was meant.
    await ask("POST", f"{item}/transcribe", json={"again": True})
    assert (await client.post(f"{item}/cancel", headers=editor.headers)).status_code == 200
    answer = await client.post(f"{item}/transcribe", json={"language": "fi"}, headers=editor.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "original_withheld")
    assert (await client.post(f"{item}/transcribe", headers=editor.headers)).status_code == 200


async def test_roles_that_the_policy_names_read_the_original(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner = await world.tenant("Owner")
    ids, ask = await recording(client, world, components, owner)
    policy = {"kinds": ["phone"], "original_roles": ["editor"]}
    body = await ask("PATCH", f"/api/datasets/{owner.dataset_id}", json={"redaction": policy})
    assert body["redaction"] == {
        "kinds": ["phone"],
        "words": [],
        "original_roles": ["owner", "editor"],
        "for_you": False,
    }
    path = f"/api/items/{ids['item_id']}/transcript"
    numbers: dict[Reader, str] = {"editor": "0171 555 2368", "viewer": "[PHONE]"}
    for role, number in numbers.items():
        reader = await reader_of(world, components, owner, role)
        read = (await client.get(path, headers=reader.headers)).json()
        assert read["segments"][1]["text"] == f"my number is {number} thanks"
        assert read["speaker_names"][A] == "Zebulon Quartermaine"
        shown = (await client.get(f"/api/datasets/{owner.dataset_id}", headers=reader.headers)).json()["redaction"]
        assert (shown["for_you"], shown["words"]) == ((False, []) if role == "editor" else (True, None))
    assert (await ask("PATCH", f"/api/datasets/{owner.dataset_id}", json={"redaction": None}))["redaction"] is None


async def test_where_people_could_not_be_looked_for_the_transcript_is_withheld(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    ids, _, reader = await redacted_for(client, world, components, "viewer")
    async with components.database.transaction() as session:
        item = await items.get_item(session, ids["item_id"])
        assert item is not None
        item.status = "failed"
    answer = await client.get(f"/api/items/{ids['item_id']}/transcript", headers=reader.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_published")
    assert (await client.get(f"/api/items/{ids['item_id']}", headers=reader.headers)).json()["entities"] == []


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"kinds": []}, "at least one"),
        ({"kinds": ["names"]}, "redaction.kinds"),
        ({"words": [" "]}, "redaction.words"),
        ({"kinds": ["card"], "original_roles": ["nobody"]}, "original_roles"),
        ({"kinds": ["card"], "color": "black"}, "color"),
    ],
)
async def test_a_policy_that_cannot_be_meant_is_refused(ask: Asking, policy: dict[str, Any], said: str) -> None:
    answer = await ask.client.patch(
        f"/api/datasets/{ask.tenant.dataset_id}", headers=ask.tenant.headers, json={"redaction": policy}
    )
    assert answer.status_code == 400
    assert said in answer.text


async def test_narrow_keys_of_owners_read_what_owners_read(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner = await world.tenant("Owner")
    ids, ask = await recording(client, world, components, owner)
    await hide_everything(ask)
    async with components.database.transaction() as session:
        _, key = await create_key(session, account_id=owner.account_id, name="Narrow", scopes=("read",))
    answer = await client.get(f"/api/items/{ids['item_id']}/transcript", headers={"Authorization": f"Bearer {key}"})
    assert answer.json()["segments"][1]["text"] == SAID[1]
