"""Parts of buckets that a dataset watches: the same as folders, known by their ETags, opened by what the operator keeps."""

import json
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from echoic.errors import SettingInvalid
from echoic.sources.watched.permits import Permits
from echoic.testing.object_store import SECRET, ObjectStore
from tests.api.conftest import SETTINGS
from tests.api.uploading import AUDIO
from tests.api.watched.watcher import Watcher, other
from tests.buckets import Bucket, make_bucket

KEY = SECRET


@pytest.fixture
def held(object_store: ObjectStore) -> Bucket:
    """A bucket that is opened by what is in the operator's file alone."""
    return make_bucket(object_store)


@pytest.fixture
def buckets_file(held: Bucket, tmp_path: Path) -> Path:
    def table(name: str, url: str, libraries: str) -> str:
        return f"""[{name}]
url = "{url}"
{libraries}
aws_access_key_id = "key"
aws_secret_access_key = "{KEY}"
aws_region = "us-east-1"
aws_endpoint = "{held.endpoint}"
"""

    path = tmp_path / "buckets.toml"
    text = table("calls", held.url, 'libraries = ["library-1"]') + table("gone", "s3://no-such-bucket", "")
    path.write_text(text + table("lost", "s3://no-such-bucket", 'libraries = ["library-1"]'))
    return path


@pytest.fixture
def store(held: Bucket) -> S3Store:
    options: Any = {"aws_access_key_id": "key", "aws_secret_access_key": KEY, "aws_region": "us-east-1"}
    options["aws_endpoint"] = held.endpoint
    return S3Store(held.name, prefix="some/prefix/in", config=options, client_options={"allow_http": True})


async def keys(store: S3Store) -> list[str]:
    return sorted([each["path"] async for batch in obstore.list(store) for each in batch])


async def test_objects_become_items_once_and_are_moved_or_told_beside(watcher: Watcher, store: S3Store) -> None:
    names = ["talk 1.flac", "2026/ä#?%.flac", "bad.flac"]
    for number, name in enumerate(names):
        await obstore.put_async(store, name, b"no sound" if name == "bad.flac" else other(number))
    await obstore.put_async(store, "talk 1.flac.json", b'{"title": "A call"}')
    for ignored in (".hidden.flac", "x.part", "done/old.flac"):
        await obstore.put_async(store, ignored, AUDIO)
    source_id = await watcher.watch(bucket="calls", prefix="in")
    source = await watcher.work(source_id)
    assert (source["state"], source["taken"], source["failed"], source["files_seen"]) == ("active", 2, 1, 3)
    items = await watcher.items()
    assert sorted(item["title"] for item in items) == ["A call", "ä#?%"]
    assert {item["source_type"] for item in items} == {"bucket"}
    left = {".hidden.flac", "x.part", "bad.flac", "bad.flac.error.txt"}
    done = {"old.flac", "talk 1.flac", "talk 1.flac.json", "2026/ä#?%.flac"}
    assert set(await keys(store)) == left | {f"done/{name}" for name in done}
    # The same bytes again make no item; others under the name, and what was mended, do.
    await obstore.put_async(store, "talk 1.flac", other(0))
    await obstore.put_async(store, "2026/ä#?%.flac", other(7))
    await obstore.put_async(store, "bad.flac", other(8))
    await watcher.work(source_id)
    assert len(await watcher.items()) == 4
    assert [key for key in await keys(store) if not key.startswith("done/")] == [".hidden.flac", "x.part"]
    kept = [key for key in await keys(store) if "ä" in key]
    assert len(kept) == 2, "none was written over"
    texts = [(await watcher.ask("GET", path)).text for path in ("", f"/{source_id}", f"/{source_id}/files")]
    assert not [text for text in texts if KEY in text or "some/prefix" in text]


async def test_a_copy_that_a_killed_server_left_is_not_made_again(
    watcher: Watcher, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await obstore.put_async(store, "talk.flac", AUDIO)
    source_id = await watcher.watch(bucket="calls", prefix="in")
    await watcher.look(source_id)

    async def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(obstore, "delete_async", die)
        with pytest.raises(KeyboardInterrupt):
            await watcher.components.watch_work.takes.take_next()
    assert await keys(store) == ["done/talk.flac", "talk.flac"]
    await watcher.pass_time()
    await watcher.work(source_id)
    assert await keys(store) == ["done/talk.flac"]
    assert len(await watcher.items()) == 1


@pytest.mark.parametrize("when_done", ["mark", "leave"])
async def test_objects_may_be_marked_or_left(watcher: Watcher, store: S3Store, when_done: str) -> None:
    await obstore.put_async(store, "talk.flac", AUDIO)
    source_id = await watcher.watch(bucket="calls", prefix="in/", when_done=when_done)
    for _ in range(2):
        await watcher.work(source_id)
    [item] = await watcher.items()
    marks = ["talk.flac.echoic.json"] if when_done == "mark" else []
    assert await keys(store) == ["talk.flac", *marks]
    for name in marks:
        mark = await (await obstore.get_async(store, name)).bytes_async()
        assert json.loads(bytes(mark))["item_id"] == item["id"]


async def test_only_named_buckets_are_watched_and_one_that_is_gone_is_told_of(watcher: Watcher) -> None:
    listed = (await watcher.ask("GET")).json()
    assert listed["buckets"] == ["calls", "lost"]
    refused = [{"bucket": "gone"}, {"bucket": "unknown"}, {"bucket": "calls", "prefix": "../other"}]
    answers = [await watcher.ask("POST", json=body) for body in refused]
    assert {answer.json()["code"] for answer in answers} == {"source_not_allowed"}
    lost = await watcher.ask("POST", json={"bucket": "lost"})
    assert lost.json()["code"] == "source_unreachable"
    assert not [answer.text for answer in (*answers, lost) if KEY in answer.text or "no-such-bucket" in answer.text]


def test_what_is_wrong_in_the_operators_file_is_told_without_its_secrets(tmp_path: Path) -> None:
    path = tmp_path / "buckets.toml"
    permits = SETTINGS.model_copy(update={"watch_buckets_file": path, "data_dir": tmp_path})
    for text, word in (
        (f'[calls]\nkey = "{KEY}"', "needs 'url'"),
        (f'[calls]\nurl = "ftp://a/b"\nkey = "{KEY}"', "cannot be used"),
        (f'[calls]\nurl = "s3://a/b"\nnonsense = "{KEY}"', "cannot be used"),
        ('[calls]\nurl = "s3://a/b"\nlibraries = "x"', "list of slugs"),
        ("[Calls!]", "TOML"),
    ):
        path.write_text(text)
        with pytest.raises(SettingInvalid) as caught:
            Permits(permits).require_readable()
        assert word in caught.value.message
        assert KEY not in caught.value.message
    for roots in (("relative",), ("/srv/../etc",)):
        with pytest.raises(SettingInvalid, match="whole path"):
            Permits(SETTINGS.model_copy(update={"watch_roots": roots}))
