"""The outline of a recording: made once, kept with the item, in ranges and with its own version."""

import asyncio
import io
import uuid
import wave
from typing import Any

import httpx
import numpy as np
import pytest

from echoic.compose import Components
from echoic.db.items import peaks
from echoic.engines.media import parent
from echoic.intake import peaks as late
from tests.factories import Tenant, World
from tests.stored import store

SECONDS = 3


@pytest.fixture
async def tenant(world: World) -> Tenant:
    return await world.tenant()


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each file that was decoded for its outline, by the real decoder."""
    sizes: list[int] = []

    async def counted(source: parent.MediaSource, *args: object, **named: object) -> object:
        sizes.append(source.size)
        return await parent.decode(source, *args, **named)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(late, "decode", counted)
    return sizes


def recording() -> bytes:
    """Silence, and a tone in the last third."""
    samples = np.zeros(SECONDS * 16_000, dtype="<i2")
    samples[-16_000:] = (16_384 * np.sin(np.arange(16_000) / 5)).astype("<i2")
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return content.getvalue()


async def item_of(
    components: Components, world: World, tenant: Tenant, content: bytes | None, *, status: str = "published"
) -> int:
    """An item from before there were outlines."""
    columns: dict[str, Any] = {}
    if content is not None:
        columns["audio_blob_id"] = await store(components, content)
    return await world.item(tenant.dataset_id, status=status, original_filename="talk.wav", **columns)


async def test_two_who_ask_for_an_older_item_have_it_read_once(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant, decodings: list[int]
) -> None:
    path = f"/api/items/{await item_of(components, world, tenant, recording())}/peaks"
    first, second = await asyncio.gather(*(client.get(path, headers=tenant.headers) for _ in range(2)))
    third = await client.get(path, headers=tenant.headers)
    assert len(decodings) == 1
    assert first.status_code == 200, first.text
    assert first.content == second.content == third.content
    pairs = np.frombuffer(first.content, dtype=np.int8).reshape(-1, 2)
    assert pairs.shape == (2_000, 2)
    assert not pairs[:1_300].any(), "silence"
    assert (pairs[-600:].min(), pairs[-600:].max()) == (-63, 63)
    assert first.headers["content-type"] == "application/octet-stream"


async def test_who_asks_while_another_server_makes_them_is_told_to_come_again(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant, decodings: list[int]
) -> None:
    item_id = await item_of(components, world, tenant, recording())
    others = uuid.uuid4()
    async with components.database.transaction() as session:
        assert await peaks.take_lease(session, item_id, lease=others, seconds=60)
    answer = await client.get(f"/api/items/{item_id}/peaks", headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (423, "peaks_under_way", "5")
    assert decodings == []
    async with components.database.transaction() as session:
        await peaks.release_lease(session, item_id, lease=others)
    assert (await client.get(f"/api/items/{item_id}/peaks", headers=tenant.headers)).status_code == 200


async def test_ranges_and_known_versions_are_answered_as_for_the_recording(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant
) -> None:
    item_id = await item_of(components, world, tenant, None)
    pairs = bytes(range(100))
    async with components.database.transaction() as session:
        await peaks.keep_peaks(session, item_id, pairs)
    path = f"/api/items/{item_id}/peaks"
    whole = await client.get(path, headers=tenant.headers)
    assert (whole.content, whole.headers["cache-control"]) == (pairs, "private, no-cache")
    part = await client.get(path, headers={**tenant.headers, "Range": "bytes=10-19"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, pairs[10:20], "bytes 10-19/100")
    beyond = await client.get(path, headers={**tenant.headers, "Range": "bytes=100-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */100")
    known = await client.get(path, headers={**tenant.headers, "If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_an_item_whose_recording_is_gone_says_so_each_time(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant
) -> None:
    path = f"/api/items/{await item_of(components, world, tenant, None)}/peaks"
    for _ in range(2):
        answer = await client.get(path, headers=tenant.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "blob_not_found")


async def test_a_recording_that_cannot_be_read_is_tried_once(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant, decodings: list[int]
) -> None:
    path = f"/api/items/{await item_of(components, world, tenant, b'no sound at all', status='failed')}/peaks"
    for _ in range(2):
        answer = await client.get(path, headers=tenant.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "peaks_not_found")
    assert len(decodings) == 1


@pytest.mark.parametrize("status", ["queued", "processing"])
async def test_a_recording_that_a_worker_is_about_to_read_is_left_to_it(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant, status: str
) -> None:
    path = f"/api/items/{await item_of(components, world, tenant, recording(), status=status)}/peaks"
    answer = await client.get(path, headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_published")


async def test_they_go_with_the_item_and_count_for_no_quota(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant
) -> None:
    item_id = await item_of(components, world, tenant, recording())
    before = (await client.get("/api/usage", headers=tenant.headers)).json()
    assert (await client.get(f"/api/items/{item_id}/peaks", headers=tenant.headers)).status_code == 200
    assert (await client.get("/api/usage", headers=tenant.headers)).json() == before
    assert (await client.delete(f"/api/items/{item_id}", headers=tenant.headers)).status_code == 204
    async with components.database.transaction() as session:
        assert await peaks.find_peaks(session, item_id) is None
        await peaks.keep_peaks(session, item_id, bytes(2))
        assert await peaks.find_peaks(session, item_id) is None, "a late maker leaves nothing behind"
