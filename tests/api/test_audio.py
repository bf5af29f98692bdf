"""The recording as it was uploaded: whole, in ranges, by redirect, and for nobody else."""

import hashlib
import random

import httpx
import pytest

from echoic.compose import Components
from tests.factories import Tenant, World
from tests.stored import store

# The same in every process: names of tests are made of it.
CONTENT = random.Random(5).randbytes(3 * 1024 * 1024 + 17)
SIZE = len(CONTENT)
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture
async def tenant(world: World) -> Tenant:
    return await world.tenant()


@pytest.fixture
async def path(components: Components, world: World, tenant: Tenant) -> str:
    """Of the audio of an item whose bytes are stored."""
    return f"/api/items/{await item_of(components, world, tenant, 'Gespräch.MP3')}/audio"


async def item_of(components: Components, world: World, tenant: Tenant, file_name: str) -> int:
    audio = await store(components, CONTENT)
    return await world.item(tenant.dataset_id, status="stored", audio_blob_id=audio, original_filename=file_name)


async def test_a_recording_is_sent_whole_and_as_what_it_is(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    answer = await client.get(path, headers=tenant.headers)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == ETAG
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''Item%202.mp3")


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=5-99", (5, 100)),
        ("bytes=1048570-1048590", (1048570, 1048591)),
        ("bytes=7-", (7, SIZE)),
        ("bytes=-9", (SIZE - 9, SIZE)),
        (f"bytes=-{SIZE * 2}", (0, SIZE)),
        (f"bytes=10-{SIZE * 2}", (10, SIZE)),
        ("Bytes= 3-4 ", (3, 5)),
    ],
)
async def test_a_range_is_sent_as_asked(
    client: httpx.AsyncClient, tenant: Tenant, path: str, asked: str, span: tuple[int, int]
) -> None:
    start, end = span
    answer = await client.get(path, headers={**tenant.headers, "Range": asked})
    assert answer.status_code == 206
    assert answer.content == CONTENT[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=-0", "bytes=9999999999999999999-"])
async def test_a_range_beyond_the_end_is_refused_with_the_size(
    client: httpx.AsyncClient, tenant: Tenant, path: str, asked: str
) -> None:
    answer = await client.get(path, headers={**tenant.headers, "Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=a-b", "bytes=0-1,4-5", "seconds=0-1", f"bytes={'9' * 40}-"]
)
async def test_a_range_that_means_nothing_to_us_is_ignored(
    client: httpx.AsyncClient, tenant: Tenant, path: str, asked: str
) -> None:
    answer = await client.get(path, headers={**tenant.headers, "Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, SIZE)


async def test_a_range_of_another_version_is_not_mixed_with_this_one(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    headers = {**tenant.headers, "Range": "bytes=1-2"}
    assert (await client.get(path, headers={**headers, "If-Range": ETAG})).status_code == 206
    assert (await client.get(path, headers={**headers, "If-Range": '"other"'})).status_code == 200


@pytest.mark.parametrize("known", [ETAG, f'"other", {ETAG}', f"W/{ETAG}", "*"])
async def test_a_client_with_the_same_bytes_gets_none(
    client: httpx.AsyncClient, tenant: Tenant, path: str, known: str
) -> None:
    answer = await client.get(path, headers={**tenant.headers, "If-None-Match": known})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)


async def test_a_name_that_would_be_a_page_is_no_page(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant
) -> None:
    item_id = await item_of(components, world, tenant, 'x".html\r\nSet-Cookie: a=b')
    answer = await client.get(f"/api/items/{item_id}/audio", headers=tenant.headers)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "set-cookie" not in answer.headers


async def test_bytes_that_are_gone_are_a_clean_404(
    client: httpx.AsyncClient, components: Components, world: World, tenant: Tenant
) -> None:
    item_id = await item_of(components, world, tenant, "a.mp3")
    async for blob in components.blobs.list_older_than(0):
        await components.blobs.delete(blob.key)
    answer = await client.get(f"/api/items/{item_id}/audio", headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "blob_not_found")


async def test_a_stranger_hears_nothing_and_a_key_that_may_not_read_neither(
    client: httpx.AsyncClient, world: World, path: str
) -> None:
    stranger, deaf = await world.tenant(), await world.tenant(scopes=("upload",))
    hidden = await client.get(path, headers=stranger.headers)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "item_not_found")
    assert (await client.get(path, headers=deaf.headers)).status_code == 403


async def test_a_store_that_can_serve_by_itself_is_left_to_do_so(
    client: httpx.AsyncClient, components: Components, tenant: Tenant, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def presign(key: str, seconds: float) -> str:
        return f"https://bucket.example/{key}?for={seconds:g}"

    monkeypatch.setattr(components.blobs, "presign", presign)
    answer = await client.get(path, headers=tenant.headers)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith("https://bucket.example/")
    assert answer.headers["location"].endswith("?for=3600")
    assert answer.headers["cache-control"] == "private, max-age=1800"


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=5-99"}, {"Range": f"bytes={SIZE}-"}, {"If-None-Match": ETAG}])
async def test_head_answers_as_get_does_without_the_bytes(
    client: httpx.AsyncClient, tenant: Tenant, path: str, asked: dict[str, str]
) -> None:
    got = await client.get(path, headers=tenant.headers | asked)
    head = await client.head(path, headers=tenant.headers | asked)
    assert head.status_code == got.status_code
    unlike = {"x-request-id"} if got.is_success else {"x-request-id", "content-length"}
    assert {n: v for n, v in head.headers.items() if n not in unlike} == {
        n: v for n, v in got.headers.items() if n not in unlike
    }
    if got.is_success:
        assert head.content == b""
