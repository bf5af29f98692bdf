"""Folders that a dataset watches: what becomes an item, what is moved, marked or told beside, and what is never shown."""

import asyncio
import dataclasses
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.sources.watched import looks, takes
from echoic.sources.watched.permits import Asker
from echoic.sources.watched.place import FileChanged
from echoic.sources.watched.takes import Takes
from tests.api.uploading import AUDIO
from tests.api.watched.watcher import LONG_AGO, SECRET, Watcher, other
from tests.factories import World


async def test_files_become_items_and_are_moved_and_nothing_is_taken_twice(watcher: Watcher) -> None:
    watcher.put("Weekly talk.flac", AUDIO)
    watcher.put("2026/deep.flac", other(1))
    for name in ("a.flac.part", ".hidden.flac", "b.flac.crdownload", "~$c.flac", "Thumbs.db", "done/old.flac"):
        watcher.put(name, other(2))
    sidecar = {"title": "A call", "description": "About tides", "language": "en", "num_speakers": 2}
    watcher.put("2026/deep.flac.json", json.dumps(sidecar).encode())
    source_id = await watcher.watch()
    assert (await watcher.source(source_id))["state"] == "new"
    source = await watcher.work(source_id)
    assert (source["state"], source["taken"], source["failed"], source["files_seen"]) == ("active", 2, 0, 2)
    items = {item["title"]: item for item in await watcher.items()}
    assert set(items) == {"Weekly talk", "A call"}
    assert items["A call"]["description"] == "About tides"
    assert {item["source_type"] for item in items.values()} == {"folder"}
    assert {"done/Weekly talk.flac", "done/2026/deep.flac", "done/2026/deep.flac.json"} <= set(watcher.names())
    assert not (watcher.inbox / "Weekly talk.flac").exists()
    # The same file again, under its name and under another, and a recording of an upload.
    watcher.put("Weekly talk.flac", AUDIO)
    watcher.put("renamed.flac", other(1))
    await watcher.client.post(
        f"/api/datasets/{watcher.tenant.dataset_id}/items",
        headers=watcher.tenant.headers,
        files={"audio": ("up.flac", other(9))},
    )
    watcher.put("uploaded before.flac", other(9))
    source = await watcher.work(source_id)
    assert len(await watcher.items()) == 3
    assert (await watcher.files(source_id))["renamed.flac"] == ("taken", "duplicate_item")
    assert [name for name in watcher.names() if "/" not in name and name.endswith((".flac", ".txt"))] == [
        ".hidden.flac",
        "~$c.flac",
    ]
    # Nor after its item was deleted. Another recording under the same name is another one.
    for item in await watcher.items():
        await watcher.client.delete(f"/api/items/{item['id']}", headers=watcher.tenant.headers)
    watcher.put("again.flac", AUDIO)
    watcher.put("Weekly talk.flac", other(5), at=LONG_AGO + 1)
    await watcher.work(source_id)
    assert [item["title"] for item in await watcher.items()] == ["Weekly talk"]
    kept = [name for name in watcher.names() if name.startswith("done/Weekly talk.")]
    assert len(kept) == 3, "none was written over"
    gone = await watcher.ask("DELETE", f"/{source_id}")
    assert (gone.status_code, len(await watcher.items())) == (204, 1)


async def test_a_dataset_is_made_with_its_source_or_not_at_all(watcher: Watcher) -> None:
    watcher.put("talk.flac", AUDIO)
    folder, headers = str(watcher.inbox), watcher.tenant.headers
    refused: dict[str, tuple[dict[str, Any], ...]] = {
        "field_invalid": ({"source": {}}, {"source": {"folder": folder}, "content_type": "podcast"}),
        "source_not_allowed": ({"source": {"folder": "/etc"}},),
        "source_unreachable": ({"source": {"folder": f"{folder}/missing"}},),
    }
    for code, bodies in refused.items():
        for body in bodies:
            answer = await watcher.client.post("/api/datasets", headers=headers, json={"name": "Calls", **body})
            assert answer.json()["code"] == code, body
    assert (await watcher.client.get("/api/datasets", headers=headers)).json()["total"] == 1
    body = {"name": "Calls", "source": {"folder": folder, "settle_seconds": 0}}
    made = await watcher.client.post("/api/datasets", headers=headers, json=body)
    assert made.status_code == 201, made.text
    tenant = dataclasses.replace(watcher.tenant, dataset_id=made.json()["id"])
    calls = dataclasses.replace(watcher, tenant=tenant)
    (source,) = (await calls.ask("GET")).json()["sources"]
    assert (await calls.work(source["id"]))["taken"] == 1
    assert [item["title"] for item in await calls.items()] == ["talk"]


async def test_another_recording_with_the_name_size_and_time_of_one_that_was_moved_is_taken_too(
    watcher: Watcher,
) -> None:
    watcher.put("talk.flac", other(1))
    source_id = await watcher.watch()
    await watcher.work(source_id)
    for number in (2, 1, 2, 1):
        watcher.put("talk.flac", other(number))
        await watcher.work(source_id)
        await watcher.work(source_id)
    assert len(await watcher.items()) == 2, "neither is lost, nor taken twice"
    assert [name for name in watcher.names() if not name.startswith("done/")] == []
    source = await watcher.source(source_id)
    assert (source["waiting"], source["failed"]) == (0, 0)


async def test_a_file_is_taken_once_its_size_and_time_stay_the_same(watcher: Watcher) -> None:
    growing = watcher.put("growing.flac", AUDIO[:5000])
    source_id = await watcher.watch(settle_seconds=10)
    source = await watcher.work(source_id)
    assert (source["settling"], source["waiting"], source["taken"]) == (1, 0, 0)
    await watcher.pass_time()
    growing.write_bytes(AUDIO)
    assert (await watcher.work(source_id))["settling"] == 1, "it has grown meanwhile"
    await watcher.pass_time()
    assert (await watcher.work(source_id))["taken"] == 1
    # One that is written on while it is read is no item.
    place = watcher.components.watch_work.permits.folder(str(watcher.inbox), Asker(library="library-1", is_admin=False))
    late = watcher.put("late.flac", other(3))
    read = place.read("late.flac", f"{late.stat().st_size}:{late.stat().st_mtime_ns}")

    async def write_on() -> None:
        async for _ in read:
            late.write_bytes(other(4) + b"more")

    with pytest.raises(FileChanged):
        await write_on()


async def test_what_cannot_be_taken_is_told_in_a_file_beside_it_and_tried_again(watcher: Watcher) -> None:
    watcher.put("empty.flac", b"")
    watcher.put("notes.flac", b"no sound at all")
    watcher.put("letter.pdf", b"%PDF")
    watcher.put("wrong.flac", other(1))
    watcher.put("wrong.flac.json", b'{"titel": "A"}')
    (watcher.inbox / "link.flac").symlink_to(watcher.inbox.parents[1] / SECRET)
    watcher.put("bad\nname.flac", other(2))
    source_id = await watcher.watch()
    source = await watcher.work(source_id)
    assert (source["taken"], source["failed"]) == (0, 6)
    told = await watcher.files(source_id)
    assert told == {
        "empty.flac": ("failed", "audio_empty"),
        "notes.flac": ("failed", "not_audio"),
        "letter.pdf": ("failed", "format_not_allowed"),
        "wrong.flac": ("failed", "file_metadata_invalid"),
        "link.flac": ("failed", "watched_file_unreadable"),
        "bad\nname.flac": ("failed", "watched_file_unreadable"),
    }
    said = (watcher.inbox / "wrong.flac.error.txt").read_text()
    assert "did you mean 'title'?" in said
    assert ".flac" in said
    assert "500 MB" in said
    assert SECRET not in "".join(path.read_text() for path in watcher.inbox.glob("*.error.txt"))
    assert await watcher.take_all() == 0
    await watcher.look(source_id)
    assert await watcher.take_all() == 0, "nothing has changed"
    # Changed, with other metadata, or with its error file deleted: each is tried again.
    watcher.put("empty.flac", other(3))
    watcher.put("wrong.flac.json", b'{"title": "Right"}', at=LONG_AGO + 5)
    (watcher.inbox / "notes.flac.error.txt").unlink()
    await watcher.look(source_id)
    assert await watcher.take_all() == 3
    assert sorted(item["title"] for item in await watcher.items()) == ["Right", "empty"]
    assert (watcher.inbox / "notes.flac.error.txt").exists(), "it is as it was"
    assert not list(watcher.inbox.glob("wrong.flac*"))
    # A file that is deleted is forgotten.
    (watcher.inbox / "letter.pdf").unlink()
    await watcher.look(source_id)
    assert "letter.pdf" not in await watcher.files(source_id)
    assert (await watcher.look(source_id, retry_failed=True))["waiting"] == 3


@pytest.mark.parametrize("when_done", ["mark", "leave"])
async def test_files_may_be_marked_or_left_and_are_known_all_the_same(watcher: Watcher, when_done: str) -> None:
    watcher.put("talk.flac", AUDIO)
    watcher.put("skipped.mp3", b"x")
    source_id = await watcher.watch(when_done=when_done, patterns=["*.FLAC"], recursive=False)
    watcher.put("sub/deep.flac", other(1))
    for _ in range(2):
        source = await watcher.work(source_id)
    [item] = await watcher.items()
    assert (source["taken"], source["stay"], source["files_seen"]) == (1, int(when_done == "leave"), 1)
    mark = watcher.inbox / "talk.flac.echoic.json"
    assert (watcher.inbox / "talk.flac").exists()
    assert mark.exists() == (when_done == "mark")
    if mark.exists():
        assert json.loads(mark.read_text())["item_id"] == item["id"]


async def test_a_folder_that_cannot_be_written_to_needs_no_writing(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(watcher.inbox / SECRET))

    source_id = await watcher.watch()
    watcher.put("talk.flac", AUDIO)
    watcher.put("bad.flac", b"none")
    calls = {name: getattr(os, name) for name in dir(os) if not name.startswith("_")}
    calls |= dict.fromkeys(("replace", "rename", "unlink", "mkdir"), refuse)
    monkeypatch.setattr("echoic.sources.watched.tree.os", SimpleNamespace(**calls))
    refused = await watcher.ask("POST", json={"folder": str(watcher.inbox)})
    assert (refused.status_code, refused.json()["code"]) == (400, "source_not_writable")
    assert SECRET not in refused.text
    assert "'when_done' as 'leave'" in refused.json()["message"]
    source = await watcher.work(source_id)
    assert (source["taken"], source["stay"], source["failed"], source["state"]) == (1, 1, 1, "active")
    assert await watcher.files(source_id) == {
        "talk.flac": ("taken", "source_not_writable"),
        "bad.flac": ("failed", "not_audio"),
    }
    assert await watcher.take_all() == 0
    await watcher.look(source_id)
    assert await watcher.take_all() == 0, "it is not tried for ever"


async def test_only_what_the_operator_allows_is_watched_and_nothing_else_is_told_of(
    watcher: Watcher, world: World, tmp_path: Path
) -> None:
    (watcher.inbox / "out").symlink_to(tmp_path / SECRET)
    (tmp_path / SECRET / "theirs.flac").write_bytes(AUDIO)
    texts = []
    for folder in (
        *(str(tmp_path / SECRET), str(tmp_path / "nowhere"), f"{watcher.inbox}/../../{SECRET}", "relative", "/"),
        *(str(tmp_path / "all"), str(tmp_path / "data"), f"{tmp_path}/calls-other"),
    ):
        answer = await watcher.ask("POST", json={"folder": folder})
        assert (answer.status_code, answer.json()["code"]) == (400, "source_not_allowed"), folder
        texts.append(answer.json()["message"])
    assert len(set(texts)) == 1, "what is there and what is not are told apart by nobody"
    for folder, word in (
        (f"{watcher.inbox}/out", "symbolic links are not followed"),
        (f"{watcher.inbox}/no", "not there"),
    ):
        answer = await watcher.ask("POST", json={"folder": folder})
        assert (answer.json()["code"], word in answer.json()["message"]) == ("source_unreachable", True)
        texts.append(answer.text)
    for body, word in (({}, "either"), ({"folder": str(watcher.inbox), "prefix": "a"}, "prefix")):
        answer = await watcher.ask("POST", json=body)
        assert (answer.status_code, word in answer.json()["message"]) == (400, True)
    source_id = await watcher.watch()
    await watcher.work(source_id)
    assert await watcher.items() == [], "a link out of the folder is not followed"
    texts.append((await watcher.ask("GET")).text)
    assert not [each for each in texts if SECRET in each or "theirs" in each]
    # Another library may not, an administrator may everywhere.
    stranger = dataclasses.replace(watcher, tenant=await world.tenant("Bea"))
    assert (await stranger.ask("POST", json={"folder": str(watcher.inbox)})).json()["code"] == "source_not_allowed"
    assert (await stranger.ask("GET")).json()["folders"] == []
    chief = dataclasses.replace(watcher, tenant=await world.tenant("Cid", is_admin=True))
    assert len((await chief.ask("GET")).json()["folders"]) == 2
    made = await chief.watch(folder=str(tmp_path / "all"))
    # Once the operator or the account no longer allows it, nothing more is taken.
    (tmp_path / "all" / "talk.flac").write_bytes(AUDIO)
    async with watcher.components.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET is_admin = false"))
    source = await chief.work(made)
    assert (source["state"], source["error"]["code"], source["taken"]) == ("failing", "source_not_allowed", 0)


async def test_a_full_quota_holds_a_source_without_error_files_and_later_it_goes_on(
    watcher: Watcher, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takes, "UNDER_WAY", 3)
    for number in range(5):
        watcher.put(f"{number}.flac", other(number))
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET plan = 'two-items'"))
    source_id = await watcher.watch()
    source = await watcher.work(source_id)
    assert (source["state"], source["hold"]["code"]) == ("held", "storage_exhausted")
    assert (source["taken"], source["waiting"], source["failed"]) == (2, 3, 0)
    assert not [name for name in watcher.names() if name.endswith(".txt")]
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET plan = 'unlimited'"))
    await watcher.pass_time()
    source = await watcher.work(source_id)
    # So many are under way at a time; the others wait in the folder, so that uploads come in between.
    assert (source["state"], source["hold"], source["taken"]) == ("active", None, takes.UNDER_WAY)
    await watcher.finish_items()
    assert await watcher.take_all() == 2
    # A source that is paused is left alone.
    watcher.put("late.flac", other(99))
    await watcher.ask("PATCH", f"/{source_id}", json={"paused": True})
    await watcher.pass_time()
    assert not await components.watch_work.looks.look_next()
    assert (await watcher.source(source_id))["state"] == "paused"


async def test_a_folder_that_goes_is_told_of_once_and_found_again(watcher: Watcher, components: Components) -> None:
    source_id = await watcher.watch()
    watcher.put("talk.flac", AUDIO)
    await watcher.look(source_id)
    elsewhere = watcher.inbox.rename(watcher.inbox.parent / "elsewhere")
    async with components.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO webhooks (account_id, url, events, secret) "
                "VALUES (:account, 'https://hooks.example/a', ARRAY['source.failed'], ''::bytea)"
            ),
            {"account": watcher.tenant.account_id},
        )
    await watcher.take_all()
    for _ in range(looks.TELL_AFTER_FAILURES + 1):
        source = await watcher.look(source_id)
    assert (source["state"], source["error"]["message"]) == ("failing", "The folder is not there.")
    async with components.database.transaction() as session:
        told = list(await session.scalars(text("SELECT body FROM outbox_deliveries")))
    assert [json.loads(body)["data"]["error"]["code"] for body in told] == ["source_unreachable"]
    elsewhere.rename(watcher.inbox)
    source = await watcher.work(source_id)
    assert (source["state"], source["error"], source["taken"]) == ("active", None, 1)


async def test_ten_thousand_files_are_seen_in_one_look_and_taken_by_turns(
    watcher: Watcher, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10_000):
        (watcher.inbox / f"{number}.flac").touch()
    second = watcher.inbox.parent / "second"
    second.mkdir()
    (second / "talk.flac").write_bytes(AUDIO)
    source_id = await watcher.watch(error_files=False)
    other_id = await watcher.watch(folder=str(second))
    source = await watcher.look(source_id)
    assert (source["waiting"], source["files_seen"]) == (10_000, 10_000), source["error"]
    await watcher.look(other_id)
    for _ in range(2):
        assert await watcher.components.watch_work.takes.take_next()
    assert (await watcher.source(other_id))["taken"] == 1, "sources take turns"
    monkeypatch.setattr(looks, "LOOK_SECONDS", 0.0)
    source = await watcher.look(source_id)
    assert (source["error"]["code"], source["waiting"]) == ("source_too_large", 9_999)


async def test_many_processes_take_a_file_once(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        watcher.put(f"{number}.flac", other(number))
        watcher.put(f"copy {number}.flac", other(number))
    source_id = await watcher.watch()
    await watcher.look(source_id)
    parts = watcher.components
    # One that stops renewing its lease, as a killed one does, is overtaken; what it does afterwards counts nothing.
    monkeypatch.setattr(takes, "LEASE_SECONDS", 0.0)
    many = [
        Takes(
            parts.database,
            parts.blobs,
            admissions=parts.intake.admissions,
            acceptor=parts.intake.acceptor,
            permits=parts.watch_work.permits,
        )
        for _ in range(4)
    ]
    for _ in range(8):
        await asyncio.gather(*(one.take_next() for one in many))
    monkeypatch.undo()
    await watcher.pass_time()
    await watcher.take_all()
    assert len(await watcher.items()) == 4
    assert (await watcher.source(source_id))["taken"] == 8
    assert len([name for name in watcher.names() if name.startswith("done/")]) == 8


async def test_what_a_dataset_hides_is_in_no_list_of_files(watcher: Watcher, world: World) -> None:
    watcher.put("Zebulon.pdf", b"%PDF")
    source_id = await watcher.watch()
    await watcher.work(source_id)
    await watcher.client.patch(
        f"/api/datasets/{watcher.tenant.dataset_id}",
        headers=watcher.tenant.headers,
        json={"redaction": {"kinds": ["person"]}},
    )
    reader = await world.tenant("Reader")
    async with watcher.components.database.transaction() as session:
        await libraries.add_member(
            session, library_id=watcher.tenant.library_id, account_id=reader.account_id, role="viewer"
        )
    for path in ("", f"/{source_id}", f"/{source_id}/files"):
        answer = await watcher.client.get(f"{watcher.path}{path}", headers=reader.headers)
        assert answer.status_code == 200
        assert "Zebulon" not in answer.text
        assert str(watcher.inbox) not in answer.text, "where on the disk it lies is told those who may change it"
