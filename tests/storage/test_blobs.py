"""What every store must do, run against the local folder and an S3 server."""

import asyncio
import hashlib
import random
import urllib.request
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from echoic.errors import BlobNotFound
from echoic.storage.blobs import BlobReader, Blobs, StoredBlob, is_key, new_key
from echoic.storage.local import BUFFER_BYTES, FLUSH_BYTES
from echoic.storage.remote_staged import PART_BYTES
from echoic.units import MB

if TYPE_CHECKING:
    from tests.storage.conftest import Store

BOUND_SECONDS = 20.0


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


async def put(blobs: Blobs, content: bytes, chunk_size: int = 65_536) -> StoredBlob:
    async with blobs.stage() as staged:
        for start in range(0, len(content), chunk_size):
            await staged.write(content[start : start + chunk_size])
        return await staged.finish()


async def nothing_is_left(store: "Store") -> None:
    """Clean-up may go on for a moment after a cancelled caller has gone."""
    async with asyncio.timeout(BOUND_SECONDS):
        while await store.keys() or store.half_written():  # noqa: ASYNC110 - the clean-up tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("size", "chunk_size"),
    [
        (0, 1),
        (1, 1),
        (1000, 7),
        (BUFFER_BYTES - 1, 65_536),
        (BUFFER_BYTES, 65_536),
        (BUFFER_BYTES + 1, 65_536),
        (PART_BYTES - 1, 300_000),
        (PART_BYTES, PART_BYTES),
        (PART_BYTES + 1, PART_BYTES),
        (2 * PART_BYTES + 5, 1_000_003),
        (3 * MB, 3 * MB),
        (FLUSH_BYTES + 3, 2 * MB),
    ],
)
async def test_what_is_written_is_read_back_whatever_its_pieces(blobs: Blobs, size: int, chunk_size: int) -> None:
    content = noise(size)
    stored = await put(blobs, content, chunk_size)
    assert stored.size_bytes == size == await blobs.stat(stored.key)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert b"".join([chunk async for chunk in blobs.stream(stored.key)]) == content
    assert await BlobReader(blobs, stored.key, size).read_range(0, size + 1) == content


async def test_a_blob_is_invisible_until_it_is_finished(store: "Store") -> None:
    async with store.blobs.stage() as staged:
        await staged.write(noise(PART_BYTES + 1))
        assert staged.size_bytes == PART_BYTES + 1
        assert await store.keys() == []
        with pytest.raises(BlobNotFound):
            await store.blobs.stat(staged.key)
        stored = await staged.finish()
        assert stored.key == staged.key
        assert await store.keys() == [stored.key]
    assert await store.keys() == [stored.key]
    assert store.half_written() == 0


@pytest.mark.parametrize("size", [0, 10, BUFFER_BYTES, PART_BYTES, 3 * PART_BYTES])
async def test_leaving_without_finish_leaves_nothing(store: "Store", size: int) -> None:
    async with store.blobs.stage() as staged:
        for _ in range(size // MB):
            await staged.write(noise(MB))
        await staged.write(noise(size % MB))
    assert await store.keys() == []
    assert store.half_written() == 0


async def test_an_error_of_the_producer_leaves_nothing_and_is_not_hidden(store: "Store") -> None:
    async def upload() -> None:
        async with store.blobs.stage() as staged:
            await staged.write(noise(2 * PART_BYTES))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await upload()
    assert await store.keys() == []
    assert store.half_written() == 0


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
async def test_a_caller_cancelled_at_any_moment_leaves_nothing_or_the_finished_blob(store: "Store", steps: int) -> None:
    finished: list[StoredBlob] = []

    async def upload() -> None:
        async with store.blobs.stage() as staged:
            for _ in range(3):
                await staged.write(noise(PART_BYTES))
            finished.append(await staged.finish())

    task = asyncio.create_task(upload())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    if finished:
        assert await store.keys() == [finished[0].key]
    else:
        await nothing_is_left(store)


async def test_a_caller_cancelled_while_finishing_leaves_nothing(store: "Store") -> None:
    finishing = asyncio.Event()

    async def upload() -> None:
        async with store.blobs.stage() as staged:
            await staged.write(noise(PART_BYTES + 1))
            finishing.set()
            await staged.finish()

    task = asyncio.create_task(upload())
    await finishing.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    await nothing_is_left(store)


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 0), (0, 1), (0, 1000), (0, 5000), (1, 998), (999, 1), (999, 2), (1000, 1), (5000, 10), (500, 0)],
)
async def test_a_range_is_cut_at_the_end_and_empty_beyond_it(blobs: Blobs, start: int, length: int) -> None:
    content = noise(1000)
    stored = await put(blobs, content)
    assert await blobs.read_range(stored.key, start, length) == content[start : start + length]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, None),
        (0, 0),
        (0, 1),
        (3 * MB, None),
        (3 * MB - 1, None),
        (MB - 1, MB + 1),
        (5, 3 * MB),
        (9, 4),
        (MB, 9 * MB),
    ],
)
async def test_a_stream_gives_exactly_what_lies_between_its_bounds(blobs: Blobs, start: int, end: int | None) -> None:
    content = noise(3 * MB)
    stored = await put(blobs, content, MB)
    assert b"".join([chunk async for chunk in blobs.stream(stored.key, start, end)]) == content[start:end]


async def test_a_reader_may_stop_in_the_middle(blobs: Blobs) -> None:
    content = noise(4 * MB)
    stored = await put(blobs, content, MB)
    stream = blobs.stream(stored.key)
    assert isinstance(stream, AsyncIterator)
    async with aclosing(stream):  # type: ignore[type-var]  # the protocol promises an iterator, both give generators
        first = await anext(stream)
    assert content.startswith(first)
    await blobs.delete(stored.key)


async def test_a_missing_blob_is_named_as_such(blobs: Blobs) -> None:
    for key in (new_key(), "../../../etc/passwd", "/etc/passwd", "ab/cd/../x", ""):
        with pytest.raises(BlobNotFound):
            await blobs.stat(key)
        with pytest.raises(BlobNotFound):
            await blobs.read_range(key, 0, 10)
        with pytest.raises(BlobNotFound):
            _ = [chunk async for chunk in blobs.stream(key)]


async def test_deleting_twice_is_as_good_as_once(store: "Store") -> None:
    kept, gone = await put(store.blobs, b"kept"), await put(store.blobs, b"gone")
    await store.blobs.delete(gone.key)
    await store.blobs.delete(gone.key)
    await store.blobs.delete(new_key())
    assert await store.keys() == [kept.key]


async def test_blobs_written_at_once_do_not_mix(store: "Store") -> None:
    contents = [noise(PART_BYTES + n, seed=n) for n in range(6)]
    stored = await asyncio.gather(*(put(store.blobs, content, 500_000 + n) for n, content in enumerate(contents)))
    for blob, content in zip(stored, contents, strict=True):
        assert blob.sha256 == hashlib.sha256(content).hexdigest()
        assert b"".join([chunk async for chunk in store.blobs.stream(blob.key)]) == content
    assert sorted(await store.keys()) == sorted(blob.key for blob in stored)


async def test_the_same_bytes_twice_are_two_blobs(blobs: Blobs) -> None:
    first, second = await put(blobs, b"same"), await put(blobs, b"same")
    assert first.key != second.key
    await blobs.delete(first.key)
    assert await blobs.read_range(second.key, 0, 10) == b"same"


async def test_a_listing_shows_only_what_is_old_enough(blobs: Blobs) -> None:
    stored = await put(blobs, b"12345")
    assert [found async for found in blobs.list_older_than(3600)] == []
    [found] = [found async for found in blobs.list_older_than(0)]
    assert (found.key, found.size_bytes) == (stored.key, 5)
    assert found.modified_at.tzinfo is not None


async def test_a_healthy_store_says_so_and_is_left_as_it_was(store: "Store") -> None:
    await store.blobs.check()
    assert await store.keys() == []
    assert store.half_written() == 0


async def test_only_a_remote_store_gives_urls_and_they_serve_ranges(store: "Store") -> None:
    stored = await put(store.blobs, b"0123456789")
    url = await store.blobs.presign(stored.key, 60)
    assert (url is None) == ("Local" in type(store.blobs).__name__)
    if url is not None:
        request = urllib.request.Request(url, headers={"Range": "bytes=2-4"})
        with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
            assert (answer.status, answer.read()) == (206, b"234")


def test_keys_say_nothing_and_have_one_form() -> None:
    keys = {new_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert all(is_key(key) for key in keys)
    assert not any(is_key(text) for text in ("", "ab/cd", "ab/cd/ef", new_key().upper(), new_key() + "\n"))


async def test_a_copy_keeps_its_key_and_takes_the_place_of_one_that_was_broken_off(blobs: Blobs) -> None:
    key = new_key()
    await blobs.stage(key).__aenter__()  # as a killed process leaves it
    async with blobs.stage(key) as staged:
        await staged.write(b"whole")
        assert (await staged.finish()).key == key
    assert await blobs.read_range(key, 0, 9) == b"whole"
    with pytest.raises(BlobNotFound):
        blobs.stage("../outside")
