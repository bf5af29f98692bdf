"""Uploads that grew without an end and were never taken up again: what arrived becomes an item, where that was asked."""

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.intake.sweep import sweep
from tests.api.tus import AUDIO, Tus, count
from tests.factories import World

KEEP = {"when_abandoned": "keep"}
HALF = AUDIO[: len(AUDIO) // 2]


@pytest.fixture
async def tus(client: httpx.AsyncClient, world: World) -> Tus:
    return Tus(client, await world.tenant())


async def expire(components: Components) -> None:
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE uploads SET expires_at = now() - interval '1 minute'"))


async def finish(components: Components) -> list[tuple[str, int]]:
    """Look after abandoned uploads, then sweep, as a server does; returns how uploads ended."""
    ends: list[tuple[str, int]] = []
    await components.intake.resumable.finish_abandoned(ended=lambda code, size: ends.append((code, size)))
    await sweep(components.database, components.blobs, min_age_seconds=0)
    return ends


async def test_what_arrived_becomes_an_item_that_says_so(tus: Tus, components: Components) -> None:
    path = await tus.begin(None, title="Interview", **KEEP)
    assert (await tus.patch(path, 0, HALF)).status_code == 204
    assert await finish(components) == [], "somebody may still come back"
    await expire(components)
    assert await finish(components) == [("accepted", len(HALF))]
    known = await tus.head(path)
    assert known.headers["Upload-Length"] == known.headers["Upload-Offset"] == str(len(HALF))
    item_id = known.headers["Item-Id"]
    item = (await tus.client.get(f"/api/items/{item_id}", headers=tus.tenant.headers)).json()
    assert (item["title"], item["status"]) == ("Interview", "queued")
    sound = await tus.client.get(f"/api/items/{item_id}/audio", headers=tus.tenant.headers)
    assert sound.content == HALF
    async with components.database.transaction() as session:
        assert await session.scalar(text("SELECT upload_abandoned FROM items")), "decoding makes the notice of it"
    assert await finish(components) == []


@pytest.mark.parametrize("pairs", [{}, KEEP])
async def test_an_upload_that_did_not_ask_or_holds_nothing_is_given_up(
    tus: Tus, components: Components, pairs: dict[str, str]
) -> None:
    path = await tus.begin(None, **pairs)
    if not pairs:
        await tus.patch(path, 0, HALF)
    await expire(components)
    assert await finish(components) == []
    assert (await count(components, "uploads"), await count(components, "items")) == (0, 0)


async def test_what_is_no_sound_is_refused_as_at_any_end(tus: Tus, components: Components) -> None:
    path = await tus.begin(None, **KEEP)
    await tus.patch(path, 0, b"no sound at all" * 100)
    await expire(components)
    assert await finish(components) == [("not_audio", 0)]
    assert (await count(components, "uploads"), await count(components, "items")) == (0, 0)


@pytest.mark.parametrize(("size", "value"), [(1000, "keep"), (None, "discard")])
async def test_it_is_for_uploads_without_a_length_and_has_one_value(tus: Tus, size: int | None, value: str) -> None:
    answer = await tus.create(size, when_abandoned=value)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert "when_abandoned" in answer.json()["message"]


async def test_the_pair_is_known_to_those_who_look_for_misspelt_ones(tus: Tus) -> None:
    answer = await tus.create(None, when_abandoned="keep")
    assert (answer.status_code, answer.content) == (201, b"")
