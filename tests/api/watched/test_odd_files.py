"""Files and folders that are odd in a watched folder: each is taken or told of, and none keeps the others waiting."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from echoic.sources.watched import tree
from echoic.sources.watched.names import MAX_NAME_BYTES, beside, in_done_folder
from echoic.sources.watched.tree import Tree
from tests.api.uploading import AUDIO
from tests.api.watched.watcher import LONG_AGO, Watcher, other


def put_bytes(watcher: Watcher, name: bytes, content: bytes) -> None:
    """Write a file whose name need not be UTF-8."""
    watcher.put(os.fsdecode(name), content)


@pytest.mark.parametrize("when_done", ["move", "mark"])
async def test_a_name_as_long_as_names_may_be_is_taken_and_told_of_like_others(
    watcher: Watcher, when_done: str
) -> None:
    long, bad = f"{'a' * 250}.flac", f"{'é' * 125}.flac"
    watcher.put(long, AUDIO)
    watcher.put(bad, b"no sound at all")
    watcher.put("short.flac", other(1))
    source_id = await watcher.watch(when_done=when_done)
    source = await watcher.work(source_id)
    assert (source["state"], source["hold"]) == ("active", None), "no name holds a source up"
    assert (source["taken"], source["failed"]) == (2, 1)
    (told,) = [name for name in watcher.names() if name.endswith(".error.txt")]
    assert told.startswith("ééé")
    assert bad in (watcher.inbox / told).read_text()
    if when_done == "move":
        assert source["stay"] == 0
        watcher.put(long, other(2), at=LONG_AGO + 1)
        await watcher.work(source_id)
        kept = [name for name in watcher.names() if name.startswith("done/aaa")]
        assert len(kept) == 2, "the second has a number, and a name that fits"
    else:
        assert len([name for name in watcher.names() if name.endswith(".echoic.json")]) == 2
    (watcher.inbox / told).unlink()
    await watcher.look(source_id)
    assert (await watcher.source(source_id))["waiting"] == 1, "it is tried again, as any whose error file is deleted"


def test_names_beside_and_in_done_fit_and_stay_apart() -> None:
    one, two = f"in/{'ü' * 126}a.x", f"in/{'ü' * 126}b.x"
    assert beside("in/a.flac", ".error.txt") == "in/a.flac.error.txt"
    assert beside(one, ".error.txt") != beside(two, ".error.txt")
    for path in (one, two, "in/" + "x" * 255):
        for made in (beside(path, ".error.txt"), in_done_folder(path, 1234567)):
            assert len(os.fsencode(made.rpartition("/")[2])) <= MAX_NAME_BYTES
    assert in_done_folder(one, 7).endswith(".7.x")


async def test_names_that_are_no_utf8_are_told_apart_and_told_beside(watcher: Watcher) -> None:
    # Shown alike, of one size and one time: they are three files, one of which has a good name.
    for name in (b"caf\xe9.flac", b"caf\xe8.flac", "caf\ufffd.flac".encode()):
        put_bytes(watcher, name, AUDIO)
    source_id = await watcher.watch()
    source = await watcher.work(source_id)
    assert (source["state"], source["error"]) == ("active", None)
    assert (source["taken"], source["failed"]) == (1, 2)
    beside_them = [os.fsencode(path.name) for path in watcher.inbox.iterdir() if path.name.endswith(".error.txt")]
    assert sorted(beside_them) == [b"caf\xe8.flac.error.txt", b"caf\xe9.flac.error.txt"]
    said = (watcher.inbox / os.fsdecode(beside_them[0])).read_text()
    assert "The file's name is not encoded in UTF-8; give it another one." in said
    # With a good name it is taken; whoever renames it takes the error file away.
    (watcher.inbox / os.fsdecode(b"caf\xe9.flac")).rename(watcher.inbox / "café.flac")
    source = await watcher.work(source_id)
    assert (await watcher.files(source_id))["café.flac"] == ("taken", "duplicate_item")
    assert source["failed"] == 1


async def test_a_folder_that_is_not_looked_into_is_told_of(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    put_bytes(watcher, b"caf\xe9/talk.flac", AUDIO)
    watcher.put("new\nline/talk.flac", other(1))
    watcher.put("a/b/c/talk.flac", other(2))
    watcher.put("closed/talk.flac", other(3))
    watcher.put(".hidden/talk.flac", other(4))
    watcher.put("a/good.flac", other(5))
    opened = Tree.opened

    @contextmanager
    def refusing(self: Tree, folder: str = "", **given: Any) -> Iterator[int]:
        if folder == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with opened(self, folder, **given) as descriptor:
            yield descriptor

    monkeypatch.setattr(Tree, "opened", refusing)
    monkeypatch.setattr(tree, "MAX_DEPTH", 2)
    source_id = await watcher.watch()
    source = await watcher.work(source_id)
    assert (source["taken"], source["failed"]) == (1, 4)
    listed = (await watcher.ask("GET", f"/{source_id}/files?state=failed")).json()["files"]
    assert {one["path"]: one["message"] for one in listed} == {
        "caf\ufffd": "The folder has a name that is not encoded in UTF-8; nothing in it is taken.",
        "new\nline": "The folder has a name that holds the control character U+000A; nothing in it is taken.",
        "a/b/c": "The folder lies deeper than 2 folders; nothing in it is taken.",
        "closed": "The folder cannot be read: Permission denied; nothing in it is taken.",
    }
    assert "nothing in it is taken" in (watcher.inbox / "closed.error.txt").read_text()
    monkeypatch.setattr(Tree, "opened", opened)
    await watcher.work(source_id)
    assert (await watcher.files(source_id))["closed/talk.flac"] == ("taken", None)
    assert "closed" not in await watcher.files(source_id)


@pytest.mark.parametrize(
    ("when_done", "in_the_way"),
    [("move", "done"), ("move", "talk.flac.error.txt/full"), ("mark", "talk.flac.echoic.json/full")],
)
async def test_what_lies_in_the_way_of_moving_or_marking_holds_no_source_up(
    watcher: Watcher, when_done: str, in_the_way: str
) -> None:
    watcher.put("talk.flac", AUDIO)
    watcher.put(in_the_way, b"somebody's own")
    source_id = await watcher.watch(when_done=when_done, patterns=["*.flac"])
    source = await watcher.work(source_id)
    assert (source["state"], source["hold"], source["taken"], source["stay"]) == ("active", None, 1, 1)
    assert (await watcher.files(source_id))["talk.flac"] == ("taken", "source_not_writable")
    watcher.put("next.flac", other(1))
    assert (await watcher.work(source_id))["taken"] == 2


async def test_a_disk_that_fails_at_one_file_keeps_no_other_waiting(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file, move = Tree.open_file, Tree.move

    def failing(self: Tree, path: str, fingerprint: str) -> int:
        if path == "bad.flac":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return open_file(self, path, fingerprint)

    def not_moving(self: Tree, path: str, fingerprint: str, file_id: int) -> None:
        if path == "stuck.flac":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        move(self, path, fingerprint, file_id)

    monkeypatch.setattr(Tree, "open_file", failing)
    monkeypatch.setattr(Tree, "move", not_moving)
    for number, name in enumerate(("bad.flac", "stuck.flac", "good.flac")):
        watcher.put(name, other(number))
    source_id = await watcher.watch()
    for _ in range(8):
        source = await watcher.work(source_id)
        await watcher.pass_time()
    assert (source["taken"], source["failed"], source["stay"]) == (2, 1, 1)
    assert await watcher.files(source_id) == {
        "bad.flac": ("failed", "watched_file_unreadable"),
        "stuck.flac": ("taken", "source_not_writable"),
        "good.flac": ("taken", None),
    }
    assert "Input/output error" in (watcher.inbox / "bad.flac.error.txt").read_text()
    assert len(await watcher.items()) == 2


async def test_another_recording_that_got_the_name_while_it_is_moved_is_taken_too(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_free = tree._is_free
    late = [other(7)]

    def replacing(name: str, folder: int) -> bool:
        if late:
            watcher.put("talk.flac", late.pop(), at=LONG_AGO + 9)
        return is_free(name, folder)

    monkeypatch.setattr(tree, "_is_free", replacing)
    watcher.put("talk.flac", AUDIO)
    source_id = await watcher.watch()
    await watcher.work(source_id)
    await watcher.work(source_id)
    assert not late
    assert len(await watcher.items()) == 2, "none is moved away that was not read"
    assert (watcher.inbox / "done/talk.flac").exists()
