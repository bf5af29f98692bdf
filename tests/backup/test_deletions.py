"""Deletions after a backup: a restore leaves out what signed receipts name, and nothing else."""

import asyncio
import gzip
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from echoic.backup.deletions import DOCUMENT, read_deletions
from echoic.backup.leaving_out import left_out_of
from echoic.backup.make import make_backup, note_deletions
from echoic.backup.place import Place
from echoic.db.backup.left_out import LeftOut
from echoic.db.items import items, peaks
from echoic.db.items.removed_parts import remove_audio, remove_transcripts
from echoic.db.items.temporary import AT_DEADLINE
from echoic.db.receipts.signing import SigningKey
from echoic.errors import BackupDamaged, BackupUnfit
from echoic.intake.removal import confirm_removed
from echoic.storage.local import LocalBlobs
from tests.backup.conftest import Source, all_rows, change, content, finished
from tests.kept import counts_of_items

SAME_TABLES = tuple(
    f'"public"."{table}"'
    for table in ("deletion_receipts", "item_peaks", "outbox_deliveries", "pipeline_queue", "segments", "transcripts")
)
OF_ONE_RECORDING = {'"public"."pipeline_queue"': 1, '"public"."segments"': 2, '"public"."transcripts"': 1}
STATES = """
    SELECT items.id, status, transcript_id, published_at, transcript_removed_at IS NULL, key, removed_at IS NULL, account_id
    FROM items JOIN blobs ON blobs.id = audio_blob_id ORDER BY items.id
"""
ALERTS = """
    INSERT INTO webhooks (account_id, url, events, secret) VALUES ({account}, 'https://example.org', '{{}}', '');
    INSERT INTO outbox_deliveries (id, account_id, webhook_id, type, body, state)
    SELECT 'msg_' || given.id, {account}, webhooks.id, given.type, given.body, 'delivered' FROM webhooks, (VALUES
        ('1', 'alert.matched', '{{"data":{{"item_id":{first},"matches":[]}}}}'),
        ('2', 'alert.matched', '{{"data":{{"item_id":{third},"matches":[]}}}}'),
        ('3', 'alert.digest', '{{"data":{{"alerts":[{{"items":[{{"item_id":{first}}},{{"item_id":{last}}}]}}]}}}}')
    ) AS given (id, type, body);
"""
"""Messages that quote what is deleted later; the digest quotes what stays, too."""


async def hold(source: Source, item_id: int, *, held: bool) -> None:
    async with source.database.transaction() as session:
        await session.execute(text("UPDATE items SET legal_hold = :held WHERE id = :id"), {"held": held, "id": item_id})


async def delete(source: Source, item_id: int) -> None:
    """Delete an item with its bytes."""
    async with source.database.transaction() as session:
        keys = await items.delete_item(session, item_id)
    for key in keys:
        await source.blobs.delete(key)


async def same_but_for(held: int, source: Source, url: str, blobs: LocalBlobs, *, next_id: int) -> None:
    """Compare what was restored with the source as it is now, which has deleted one item that the backup holds."""
    ours, theirs = all_rows(source.database.url), all_rows(url)
    of_held = {table: [row for row in theirs[table] if row not in ours[table]] for table in SAME_TABLES}
    assert {table: len(rows) for table, rows in of_held.items() if rows} == OF_ONE_RECORDING
    assert {table: sorted({*theirs[table]} - {*of_held[table]}) for table in SAME_TABLES} == {
        table: ours[table] for table in SAME_TABLES
    }
    with psycopg.connect(source.database.url) as ours_now, psycopg.connect(url) as theirs_now:
        expected = ours_now.execute(STATES).fetchall()
        found = theirs_now.execute(STATES).fetchall()
        assert theirs_now.execute("SELECT nextval('items_id_seq')").fetchone() == (next_id,)
        assert counts_of_items(theirs_now) != []
    assert [row for row in found if row[0] != held] == expected
    (kept,) = (row[5] for row in found if row[0] == held)
    objects = await content(blobs)
    assert set(objects) == {kept} | {row[5] for row in expected if row[6]}


@pytest.mark.processes
async def test_a_restore_leaves_out_what_was_deleted_after_the_backup(
    source: Source, empty_url: str, tmp_path: Path, place: Place
) -> None:
    first, second, third = 1, 2, 3
    held, last = await source.recording(title="Held"), await source.recording(title="Last")
    under_way = await source.recording(title="Under way", status="processing")
    await hold(source, held, held=True)
    await change(
        source.database.url,
        ALERTS.format(account=source.tenant.account_id, first=first, third=third, last=last),
    )
    async with source.database.transaction() as session:
        await peaks.keep_peaks(session, second, b"\x81\x7f" * 2000)
    await make_backup(source.database, source.blobs, place)

    added = await source.recording(title="Added afterwards")
    await hold(source, held, held=False)
    for gone in (first, held, added):
        await delete(source, gone)
    await change(source.database.url, "UPDATE pipeline_queue SET state = 'succeeded' WHERE state = 'running'")
    async with source.database.transaction() as session:
        for key in await remove_audio(session, [second], AT_DEADLINE):
            await source.blobs.delete(key)
        await remove_transcripts(session, [third, under_way], AT_DEADLINE)
    await change(
        source.database.url,
        "UPDATE items SET status = 'published', published_at = created_at WHERE status = 'processing'",
    )
    assert await confirm_removed(source.database, source.blobs) == 6
    noted = str(tmp_path / "noted")
    ours_named = {"ECHOIC_DATABASE_URL": source.database.url, "ECHOIC_DATA_DIR": str(source.folder)}
    told = await asyncio.to_thread(finished, "backup", noted, "--deletions", **ours_named)
    assert told == f"{noted} knows 6 deletions.\n"

    def restore(target: str, *options: str) -> str:
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        folder = str(tmp_path / target)
        return finished("restore", place.name, *options, ECHOIC_DATABASE_URL=empty_url, ECHOIC_DATA_DIR=folder)

    told = await asyncio.to_thread(restore, "with deleted", "--with-deleted")
    assert ("6 items, 6 objects" in told, "Left out" in told) == (True, False)
    told = await asyncio.to_thread(restore, "target", "--deletions", noted)
    assert "5 items, 4 objects" in told, told
    assert "Left out, since deleted after the backup: 1 item, the audio of 1 item, the transcript of 2 items." in told
    assert f"under legal hold: {held}." in told

    await same_but_for(held, source, empty_url, LocalBlobs(tmp_path / "target" / "blobs"), next_id=added + 1)


async def test_deletions_that_somebody_changed_or_of_another_installation_are_refused(
    source: Source, place: Place
) -> None:
    manifest = await make_backup(source.database, source.blobs, place)
    assert await read_deletions(place, manifest) == []
    await delete(source, 1)
    await confirm_removed(source.database, source.blobs)
    await note_deletions(source.database, place)
    assert [each.item_id for each in await read_deletions(place, manifest) or ()] == [1]
    whole = await place.manifests.read(DOCUMENT)
    lines = gzip.decompress(whole).decode().splitlines()

    async def refused(error: type[Exception], match: str, *changed: str) -> None:
        await place.manifests.write(DOCUMENT, gzip.compress("\n".join(changed).encode()))
        with pytest.raises(error, match=match):
            await read_deletions(place, manifest)

    heading, line = lines
    other_item = line.replace('\\"item_id\\":1', '\\"item_id\\":2')
    later = json.dumps(
        json.loads(line) | {"confirmation": json.loads(line)["confirmation"].replace("objects_", "other_")}
    )
    assert line not in (other_item, later)
    await refused(BackupDamaged, "the receipt del_.* has a wrong signature", heading, other_item)
    await refused(BackupDamaged, "the receipt del_.* has a wrong signature", heading, later)
    strange = SigningKey(bytes(32))
    statement = json.loads(line)["statement"]
    forged = json.dumps(json.loads(line) | {"signature": strange.sign(statement), "confirmation": None})
    await refused(BackupDamaged, "the receipt del_.* has a wrong signature", heading, forged)
    other_key = json.dumps(json.loads(heading) | {"public_key": strange.public_key})
    await refused(BackupUnfit, "signed with another key", other_key, forged)
    await refused(
        BackupUnfit, "of another installation", json.dumps(json.loads(heading) | {"installation": "0" * 16}), line
    )
    await refused(BackupUnfit, "format of the deletions .* is 2", json.dumps(json.loads(heading) | {"format": 2}), line)
    await refused(BackupDamaged, "are damaged", heading, line[:-9])
    await place.manifests.write(DOCUMENT, whole[:-9])
    with pytest.raises(BackupDamaged, match="are damaged"):
        await read_deletions(place, manifest)


async def test_only_what_the_backup_does_not_know_of_is_left_out(source: Source, place: Place) -> None:
    before = await make_backup(source.database, source.blobs, place)
    async with source.database.transaction() as session:
        await remove_audio(session, [1], AT_DEADLINE)
    after = await make_backup(source.database, source.blobs, place)
    known = await read_deletions(place, after) or []
    assert list((await left_out_of(place, before, known)).audio) == [1]
    assert await left_out_of(place, after, known) == LeftOut()
    # Its id was given again after an earlier restore: the receipt is of another item.
    other = [replace(each, uploaded_at=each.uploaded_at - timedelta(seconds=1)) for each in known]
    assert (await left_out_of(place, before, other)).keys == set()
    early = replace(before, tables=dict(before.tables))
    columns = [name if name != "removed_at" else "was_removed_at" for name in before.tables["blobs"].columns]
    early.tables["blobs"] = replace(before.tables["blobs"], columns=columns)
    with pytest.raises(BackupUnfit, match="cannot say that the audio of an item was removed"):
        await left_out_of(place, early, known)
