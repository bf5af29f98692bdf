"""What only the folder on this machine shows: durability, rights, and how errors of the disk come out."""

import asyncio
import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from echoic.errors import StorageUnavailable
from echoic.storage.blobs import StoredBlob
from echoic.storage.file_calls import FileCalls
from echoic.storage.local import BUFFER_BYTES, FLUSH_BYTES, STAGING_FOLDER, LocalBlobs
from echoic.units import MB


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(root: Path) -> LocalBlobs:
    return LocalBlobs.create(root)


def all_below(root: Path) -> list[Path]:
    return [root, *root.rglob("*")]


def move_away(path: Path) -> Path:
    return path.rename(path.with_name("elsewhere"))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the same through pathlib opens one more


async def put(blobs: LocalBlobs, content: bytes) -> StoredBlob:
    async with blobs.stage() as staged:
        await staged.write(content)
        return await staged.finish()


async def test_file_and_folders_are_on_the_disk_before_finish_returns(
    blobs: LocalBlobs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync
    async with blobs.stage() as staged:
        final = root / staged.key

        def recorded(descriptor: int) -> None:
            fsync(descriptor)
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            synced.append((path.relative_to(root).as_posix(), final.exists()))

        monkeypatch.setattr(os, "fsync", recorded)
        await staged.write(b"content")
        await staged.finish()
    first, second, name = staged.key.split("/")
    assert synced == [
        (f"{STAGING_FOLDER}/{name}", False),
        (f"{first}/{second}", True),
        (first, True),
        (".", True),
    ]


async def test_only_the_owner_may_read(blobs: LocalBlobs, root: Path) -> None:
    await put(blobs, b"secret")
    for path in all_below(root):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


async def test_a_folder_that_vanished_is_a_storage_failure_not_a_missing_blob(blobs: LocalBlobs, root: Path) -> None:
    moved = move_away(root)
    with pytest.raises(StorageUnavailable):
        await put(blobs, b"1")
    with pytest.raises(StorageUnavailable):
        await blobs.check()
    with pytest.raises(StorageUnavailable):
        _ = [found async for found in blobs.list_older_than(0)]
    assert all_below(moved.parent) == [moved.parent, moved], "made anew, on another disk than the one that is away"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk_is_named(number: int) -> None:
    def write() -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(StorageUnavailable, match="full") as caught:
        await FileCalls().run(write)
    assert isinstance(caught.value.__cause__, OSError)


LIMITED_WRITER = """
import asyncio, resource, sys
from pathlib import Path
from echoic.errors import StorageUnavailable
from echoic.storage.local import LocalBlobs

async def main():
    blobs = LocalBlobs.create(Path(sys.argv[1]))
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        async with blobs.stage() as staged:
            for _ in range(int(sys.argv[3])):
                await staged.write(bytes(65536))
            await staged.finish()
    except StorageUnavailable as error:
        print(type(error.__cause__).__name__, error.__cause__.errno)

asyncio.run(main())
"""


@pytest.mark.parametrize("size", [BUFFER_BYTES + 65_536, 8 * MB, FLUSH_BYTES + 8 * MB])
def test_a_write_that_the_disk_refuses_fails_the_upload_and_leaves_nothing(root: Path, size: int) -> None:
    limit = size - 65_536
    arguments = [sys.executable, "-c", LIMITED_WRITER, str(root), str(limit), str(size // 65_536)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (f"OSError {errno.EFBIG}", "")
    assert not [path for path in all_below(root) if path.is_file()]


async def test_listing_overlooks_what_is_no_blob(blobs: LocalBlobs, root: Path) -> None:
    stored = await put(blobs, b"1")
    (root / "lost+found").mkdir()
    (root / "lost+found" / "x").write_text("x")
    (root / stored.key).with_name("stray").write_text("x")
    async with blobs.stage() as half_written:
        await half_written.write(b"2")
        assert [found.key async for found in blobs.list_older_than(0)] == [stored.key]


async def test_old_blobs_are_listed_young_ones_are_not(blobs: LocalBlobs, root: Path) -> None:
    keys = []
    for age in (0, 100, 10_000):
        keys.append((await put(blobs, b"1")).key)
        changed = (root / keys[-1]).stat().st_mtime - age
        os.utime(root / keys[-1], (changed, changed))
    assert {found.key async for found in blobs.list_older_than(50)} == set(keys[1:])
    assert {found.key async for found in blobs.list_older_than(5000)} == {keys[2]}


async def test_a_blob_deleted_while_it_is_read_is_still_read_to_its_end(blobs: LocalBlobs) -> None:
    content = os.urandom(3 * MB)
    stored = await put(blobs, content)
    stream = blobs.stream(stored.key)
    pieces = [await anext(stream)]
    await blobs.delete(stored.key)
    pieces += [piece async for piece in stream]
    assert b"".join(pieces) == content


async def test_no_file_stays_open(blobs: LocalBlobs) -> None:
    await put(blobs, b"the event loop and the threads have what they need")
    before = open_files()
    for _ in range(20):
        async with blobs.stage() as staged:
            await staged.write(bytes(2 * MB))
        stored = await put(blobs, bytes(2 * MB))
        await anext(blobs.stream(stored.key))
        await blobs.read_range(stored.key, 0, 10)
        with pytest.raises(StorageUnavailable):
            await blobs.read_range(stored.key, -5, 10)
    async with asyncio.timeout(10):
        while open_files() > before:  # noqa: ASYNC110 - an abandoned stream closes its file when it can
            await asyncio.sleep(0.01)
