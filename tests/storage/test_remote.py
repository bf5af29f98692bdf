"""What only an object store shows: it can be away, at the start or in the middle."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from obstore.store import S3Store

from echoic.errors import StorageUnavailable
from echoic.storage.blobs import new_key
from echoic.storage.remote import RemoteBlobs
from echoic.storage.remote_staged import PART_BYTES
from echoic.testing.object_store import SECRET, ObjectStore


def store_at(endpoint: str) -> RemoteBlobs:
    store = S3Store(
        "bucket",
        endpoint=endpoint,
        access_key_id="key",
        secret_access_key=SECRET,
        client_options={"allow_http": True, "timeout": "5s"},
        retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=5)},
    )
    return RemoteBlobs(store)


async def put(blobs: RemoteBlobs, size: int) -> None:
    async with blobs.stage() as staged:
        for start in range(0, size, PART_BYTES):
            await staged.write(bytes(min(PART_BYTES, size - start)))
        await staged.finish()


@pytest.fixture
async def breaking_endpoint() -> AsyncIterator[str]:
    """A server that takes part of a request and hangs up."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())


@pytest.fixture(params=["nobody", "breaking"])
def away(request: pytest.FixtureRequest, breaking_endpoint: str) -> RemoteBlobs:
    return store_at("http://127.0.0.1:1" if request.param == "nobody" else breaking_endpoint)


@pytest.mark.parametrize("size", [10, PART_BYTES, 6 * PART_BYTES])
async def test_an_upload_to_a_store_that_is_away_fails_without_hanging(away: RemoteBlobs, size: int) -> None:
    async with asyncio.timeout(20):
        with pytest.raises(StorageUnavailable) as caught:
            await put(away, size)
    assert caught.value.__cause__ is not None
    assert "127.0.0.1" not in caught.value.message


async def test_every_call_to_a_store_that_is_away_is_a_storage_failure(away: RemoteBlobs) -> None:
    key = new_key()
    with pytest.raises(StorageUnavailable):
        await away.stat(key)
    with pytest.raises(StorageUnavailable):
        await away.read_range(key, 0, 10)
    with pytest.raises(StorageUnavailable):
        await away.delete(key)
    with pytest.raises(StorageUnavailable):
        await away.check()
    with pytest.raises(StorageUnavailable):
        _ = [chunk async for chunk in away.stream(key)]
    with pytest.raises(StorageUnavailable):
        _ = [found async for found in away.list_older_than(0)]


async def test_a_bucket_that_does_not_exist_is_a_storage_failure(object_store: ObjectStore) -> None:
    blobs = store_at(object_store.endpoint)
    with pytest.raises(StorageUnavailable):
        await blobs.check()
    with pytest.raises(StorageUnavailable):
        await put(blobs, 1)
