"""The sound of a recording in which something is hidden from a reader: silent where it is said, the original for others."""

import io
import wave
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import numpy as np
import pytest

from echoic.compose import Components
from echoic.db.items import items
from echoic.errors import MutingBusy
from echoic.intake import muted_audio
from echoic.redaction.transcripts import MUTED_AROUND_SECONDS
from tests.api.redacted_world import reader_of
from tests.factories import Tenant, World, segment
from tests.stored import store

SECONDS = 30
RATE = 16_000
SAID = [segment("call 0171 555 2368 now", start=10.0), segment("nothing here", start=20.0)]
MakeItem = Callable[[bytes], Awaitable[int]]
HIDDEN = (10.5 - MUTED_AROUND_SECONDS, 12.0 + MUTED_AROUND_SECONDS)


def recording(rate: int = RATE) -> bytes:
    """A tone that is never silent, as WAV."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.full(SECONDS * rate, 8_000, dtype="<i2").tobytes())
    return content.getvalue()


@pytest.fixture
async def owner(world: World) -> Tenant:
    return await world.tenant("Owner")


@pytest.fixture
async def reader(client: httpx.AsyncClient, components: Components, world: World, owner: Tenant) -> Tenant:
    """A viewer, from whom the owner's dataset hides telephone numbers."""
    answer = await client.patch(
        f"/api/datasets/{owner.dataset_id}", json={"redaction": {"kinds": ["phone"]}}, headers=owner.headers
    )
    assert answer.status_code == 200, answer.text
    return await reader_of(world, components, owner, "viewer")


@pytest.fixture
def item_of(components: Components, world: World, owner: Tenant) -> MakeItem:
    """Makes an item of the owner with a recording."""

    async def make(content: bytes) -> int:
        audio = await store(components, content)
        item_id = await world.item(owner.dataset_id, SAID, audio_blob_id=audio, original_filename="talk.wav")
        async with components.database.transaction() as session:
            item = await items.get_item(session, item_id)
            assert item is not None
            item.duration_seconds = float(SECONDS)
        return item_id

    return make


async def test_what_is_hidden_is_silent_and_all_else_is_heard(
    client: httpx.AsyncClient, owner: Tenant, reader: Tenant, item_of: MakeItem
) -> None:
    original = recording()
    path = f"/api/items/{await item_of(original)}/audio"
    answer = await client.get(path, headers=reader.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == str(len(answer.content))
    with wave.open(io.BytesIO(answer.content)) as file:
        assert file.getparams()[:4] == (1, 2, RATE, SECONDS * RATE)
        samples = np.frombuffer(file.readframes(SECONDS * RATE), dtype="<i2")
    silent = np.flatnonzero(samples == 0)
    assert (silent[0], silent[-1] + 1) == (HIDDEN[0] * RATE, HIDDEN[1] * RATE)
    assert silent.size == (HIDDEN[1] - HIDDEN[0]) * RATE
    for_owner = await client.get(path, headers=owner.headers)
    assert for_owner.content == original
    assert for_owner.headers["etag"] != answer.headers["etag"]


async def test_what_people_took_out_of_the_text_stays_silent(
    client: httpx.AsyncClient, owner: Tenant, reader: Tenant, item_of: MakeItem
) -> None:
    item_id = await item_of(recording())
    for place, text in enumerate(("call (a number) now", "nothing else here")):
        path = f"/api/items/{item_id}/transcript/segments/{place}"
        answer = await client.patch(path, json={"text": text}, headers=owner.headers)
        assert answer.status_code == 200, answer.text
    answer = await client.get(f"/api/items/{item_id}/audio", headers=reader.headers)
    silent = np.flatnonzero(np.frombuffer(answer.content[44:], dtype="<i2") == 0)
    assert (silent[0], silent[-1] + 1) == (HIDDEN[0] * RATE, HIDDEN[1] * RATE)


async def test_ranges_are_those_of_the_muted_file(client: httpx.AsyncClient, reader: Tenant, item_of: MakeItem) -> None:
    path = f"/api/items/{await item_of(recording(rate=8_000))}/audio"
    whole = (await client.get(path, headers=reader.headers)).content
    size = len(whole)
    assert size == 44 + SECONDS * RATE * 2
    for start, end in ((0, 1), (3, 51), (44, 100), (344_001, 386_044), (size - 7, size)):
        answer = await client.get(path, headers={**reader.headers, "Range": f"bytes={start}-{end - 1}"})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer.content == whole[start:end], (start, end)
    head = await client.head(path, headers=reader.headers)
    assert (head.headers["content-length"], head.content) == (str(size), b"")
    assert (await client.get(path, headers={**reader.headers, "Range": f"bytes={size}-"})).status_code == 416
    known = {**reader.headers, "If-None-Match": head.headers["etag"]}
    assert (await client.get(path, headers=known)).status_code == 304


async def test_a_reader_who_asks_by_the_version_of_the_original_gets_the_muted_file(
    client: httpx.AsyncClient, owner: Tenant, reader: Tenant, item_of: MakeItem
) -> None:
    path = f"/api/items/{await item_of(recording())}/audio"
    etag = (await client.head(path, headers=owner.headers)).headers["etag"]
    asked = {**reader.headers, "If-None-Match": etag, "Range": "bytes=0-9", "If-Range": etag}
    answer = await client.get(path, headers=asked)
    assert answer.status_code == 200
    assert b"\0" * 1000 in answer.content


async def test_where_muting_is_not_possible_nothing_is_sent(
    client: httpx.AsyncClient,
    components: Components,
    reader: Tenant,
    item_of: MakeItem,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = await item_of(b"no sound at all" * 100)
    whole = await item_of(recording())
    answer = await client.get(f"/api/items/{broken}/audio", headers=reader.headers)
    assert answer.status_code >= 400
    assert b"no sound" not in answer.content
    async with components.database.transaction() as session:
        item = await items.get_item(session, whole)
        assert item is not None
        item.status = "processing"
    answer = await client.get(f"/api/items/{whole}/audio", headers=reader.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "original_withheld")
    async with components.database.transaction() as session:
        item = await items.get_item(session, whole)
        assert item is not None
        item.status = "published"
    monkeypatch.setattr(muted_audio, "WAIT_SECONDS", 0.01)
    for _ in range(muted_audio.AT_ONCE):
        await components.muted_audio._free.acquire()
    answer = await client.get(f"/api/items/{whole}/audio", headers={**reader.headers, "Range": "bytes=44-"})
    assert (answer.status_code, answer.json()["code"]) == (423, "muting_busy")


async def test_a_reader_who_stops_listening_makes_room_for_others(
    components: Components, item_of: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(muted_audio, "STALLED_SECONDS", 0.05)
    item_id = await item_of(recording())
    async with components.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        audio = await items.get_blob(session, item.audio_blob_id)
        assert audio is not None
    muted = muted_audio.Muted(item=item, audio=audio, spans=())
    stream = components.muted_audio.stream(muted, 0, muted.size_bytes)
    await anext(stream)
    for _ in range(muted_audio.AT_ONCE):  # the stalled decoding gives its place back by itself
        await components.muted_audio._free.acquire()
    with pytest.raises(MutingBusy):
        await _rest(stream)


async def _rest(stream: AsyncIterator[bytes]) -> None:
    async for _ in stream:
        pass
