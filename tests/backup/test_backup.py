"""Backups: what is restored is what was there, killed ones never count, and deletions in between are honored."""

import asyncio
import json
import stat
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from echoic.backup.check import faults_of
from echoic.backup.make import make_backup
from echoic.backup.place import Place
from echoic.db import migrate
from echoic.db.backup.snapshot import only_backup
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.uploads import uploads
from echoic.errors import (
    BackupDamaged,
    BackupNotFound,
    BackupUnderWay,
    BackupUnfit,
    BlobNotFound,
    InstallationNotEmpty,
    SchemaNewer,
)
from echoic.storage.local import LocalBlobs
from tests.backup.conftest import (
    RECORDINGS,
    Source,
    all_rows,
    change,
    command,
    content,
    finished,
    restored,
)
from tests.buckets import Bucket
from tests.kept import counts_of_items, waiting_jobs
from tests.waiting import wait_for

UNDER_WAY = """
    UPDATE items SET transcript_id = NULL, decoded_blob_id = (SELECT id FROM blobs WHERE sha256 = 'decoded')
    WHERE title = 'Under way';
    UPDATE pipeline_queue SET stage = 'diarize', attempt = 2, claim = gen_random_uuid(), claimed_by = 'worker'
    WHERE state IN ('running', 'failed');
    INSERT INTO stage_results (run_id, stage, version, output, attempt, seconds)
    SELECT id, 'decode', 1, '{}', 1, 1 FROM pipeline_queue WHERE state = 'running';
    INSERT INTO procrastinate_jobs (queue_name, task_name, status, args)
    VALUES ('cpu', 'echoic.stage', 'doing', '{"run_id": 1}'), ('cpu', 'some.chore', 'doing', '{}');
"""
"""One run is in the hands of a worker, one has failed, each after its first stage; so is a chore."""


@pytest.mark.parametrize("where", ["folder", "bucket"])
async def test_every_row_and_every_object_comes_back(
    source: Source, empty_url: str, tmp_path: Path, where: str, request: pytest.FixtureRequest
) -> None:
    if where == "bucket":
        bucket: Bucket = request.getfixturevalue("bucket")
        place = Place.open(f"{bucket.url}/of all", make=True)
    else:
        place = Place.open(str(tmp_path / "backups"), make=True)
    first = await make_backup(source.database, source.blobs, place)
    added = await source.recording(title="Added")
    second = await make_backup(source.database, source.blobs, place)
    assert (first.copied_count, second.copied_count, second.object_count) == (RECORDINGS, 1, RECORDINGS + 1)
    assert [each.id for each in await place.backups()] == [first.id, second.id]
    assert await faults_of(place, second) == []
    blobs = await restored(empty_url, tmp_path / "restored", place, await place.backup(None))
    assert all_rows(empty_url) == all_rows(source.database.url)
    assert migrate.drift(empty_url) == migrate.drift(source.database.url)  # vectors are plain numbers without pgvector
    assert await content(blobs) == await content(source.blobs)
    with psycopg.connect(empty_url) as connection:
        (given,) = connection.execute("SELECT nextval('items_id_seq')").fetchone() or (0,)
        assert given == added + 1
        found = connection.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'").fetchone()
        assert found == (0,)


async def test_only_the_owner_may_read_a_backup_in_a_folder(source: Source, place: Place) -> None:
    await make_backup(source.database, source.blobs, place)

    def modes() -> None:
        files = [path for path in Path(place.name).rglob("*") if path.is_file()]
        assert len(files) > RECORDINGS
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert stat.S_IMODE((Path(place.name) / "objects").stat().st_mode) == 0o700

    await asyncio.to_thread(modes)


class Losing(LocalBlobs):
    """A storage whose object goes away in the moment in which it is to be copied."""

    lost_key = ""

    async def lose(self) -> None:
        """What happens to it."""

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if key == self.lost_key:
            await self.lose()
            raise BlobNotFound
        async for chunk in super().stream(key, start, end):
            yield chunk


async def test_an_item_deleted_between_snapshot_and_copy_is_not_restored(
    source: Source, empty_url: str, tmp_path: Path, place: Place
) -> None:
    deleted = await source.recording(title="Deleted")
    blobs = Losing(source.folder / "blobs")
    async with source.database.transaction() as session:
        item = await items.get_item(session, deleted)
        blob = await items.get_blob(session, item.audio_blob_id) if item else None
        assert blob is not None
        blobs.lost_key = blob.key

    async def lose() -> None:
        async with source.database.transaction() as session:
            for key in await items.delete_item(session, deleted):
                await source.blobs.delete(key)

    blobs.lose = lose  # type: ignore[method-assign]
    manifest = await make_backup(source.database, blobs, place)
    assert (manifest.removed, manifest.missing) == ([blobs.lost_key], [])
    await restored(empty_url, tmp_path / "restored", place, manifest)
    ours, theirs = all_rows(source.database.url), all_rows(empty_url)
    for table in ('"public"."items"', '"public"."blobs"', '"public"."segments"', '"public"."transcripts"'):
        assert theirs[table] == ours[table]


async def test_an_object_that_the_storage_lost_is_told_and_its_item_kept(
    source: Source, empty_url: str, tmp_path: Path, place: Place
) -> None:
    lost, damaged, _ = sorted(await content(source.blobs))
    await source.blobs.delete(lost)
    (source.folder / "blobs" / damaged).write_bytes(b"other bytes")
    manifest = await make_backup(source.database, source.blobs, place)
    assert (manifest.removed, manifest.missing) == ([], [lost, damaged])
    await restored(empty_url, tmp_path / "restored", place, manifest)
    assert all_rows(empty_url)['"public"."items"'] == all_rows(source.database.url)['"public"."items"']


async def test_what_was_under_way_goes_on_from_its_beginning(
    source: Source, empty_url: str, tmp_path: Path, place: Place
) -> None:
    under_way = await source.recording(title="Under way", status="processing")
    failed = await source.recording(title="Failed", status="failed")
    async with source.database.transaction() as session:
        upload = await uploads.create_upload(
            session,
            dataset_id=source.tenant.dataset_id,
            account_id=source.tenant.account_id,
            size_bytes=10,
            max_bytes=10,
            given_metadata=None,
            reject_duplicate=False,
            keeps_abandoned=False,
            keep_seconds=3600,
        )
        lease = uuid.uuid4()
        await uploads.take_lease(session, upload.id, lease=lease, seconds=3600)
        async with source.blobs.stage() as staged:
            await staged.write(b"beginning")
            part = await staged.finish()
        await uploads.add_part(
            session, upload.id, lease=lease, key=part.key, size_bytes=part.size_bytes, keep_seconds=3600
        )
        await items.create_blob(session, key=f"00/00/{'d' * 32}", size_bytes=5, sha256="decoded")
    await change(source.database.url, UNDER_WAY)
    manifest = await make_backup(source.database, source.blobs, place)
    blobs = await restored(empty_url, tmp_path / "restored", place, manifest)
    assert await blobs.stat(part.key) == len(b"beginning")
    with psycopg.connect(empty_url) as connection:
        runs = connection.execute(
            "SELECT item_id, state, stage, attempt, claim FROM pipeline_queue WHERE item_id >= %s ORDER BY 1",
            [under_way],
        ).fetchall()
        assert runs == [(under_way, "queued", "decode", 0, None), (failed, "failed", "decode", 0, None)]
        rows = connection.execute(
            "SELECT id, status, transcript_id IS NULL, decoded_blob_id FROM items WHERE id >= %s ORDER BY 1",
            [under_way],
        ).fetchall()
        assert rows == [(under_way, "queued", True, None), (failed, "failed", False, None)]
        assert counts_of_items(connection) != []
        assert [row[3:5] for row in waiting_jobs(connection)] == [("cpu", "")]
        assert connection.execute("SELECT count(*) FROM transcripts").fetchone() == (RECORDINGS + 1,)
        assert connection.execute("SELECT count(*) FROM stage_results").fetchone() == (0,)
        jobs = connection.execute("SELECT task_name, status::text FROM procrastinate_jobs").fetchall()
        assert jobs == [("some.chore", "todo")]
        assert connection.execute("SELECT leased_until < now() FROM uploads").fetchone() == (True,)
        assert connection.execute("SELECT count(*) FROM blobs WHERE sha256 = 'decoded'").fetchone() == (0,)


async def test_a_backup_of_an_earlier_schema_is_brought_to_this_one_and_a_later_one_refused(
    source: Source, older_url: str, postgres_server: str, tmp_path: Path, place: Place
) -> None:
    await change(
        older_url,
        "INSERT INTO accounts (name, plan) VALUES ('Old', 'unlimited')",
        "INSERT INTO server_secrets (name, secret) VALUES ('installation', 'old')",
    )
    older = Database(older_url, pool_size=2)
    manifest = await make_backup(older, LocalBlobs.create(tmp_path / "nothing"), place)
    await older.close()
    assert manifest.schema == migrate.known_revisions()[-2]
    name = f"target_{uuid.uuid4().hex}"
    url = postgres_server.replace("/echoic?", f"/{name}?", 1)
    await change(postgres_server, f"CREATE DATABASE {name}")
    try:
        await restored(url, tmp_path / "restored", place, manifest)
        migrate.verify(url)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT name FROM accounts").fetchall() == [("Old",)]
    finally:
        await change(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")
    document = json.loads(manifest.to_json())
    await place.manifests.write(manifest.name, json.dumps(document | {"schema": "9999"}).encode())
    with pytest.raises(SchemaNewer, match="newer version"):
        await restored(postgres_server, tmp_path / "restored", place, await place.backup(None))
    await place.manifests.write(manifest.name, json.dumps(document | {"format": 2}).encode())
    with pytest.raises(BackupUnfit, match="format 2"):
        await place.backup(manifest.id)


async def test_nothing_is_restored_over_what_is_there_or_from_what_is_damaged(
    source: Source, empty_url: str, tmp_path: Path, place: Place
) -> None:
    manifest = await make_backup(source.database, source.blobs, place)
    with pytest.raises(InstallationNotEmpty, match="1 account"):
        await restored(source.database.url, tmp_path / "restored", place, manifest)
    strange = LocalBlobs.create(tmp_path / "strange")
    async with strange.stage() as staged:
        await staged.finish()
    with pytest.raises(InstallationNotEmpty, match="1 object"):
        await restored(empty_url, tmp_path / "strange", place, manifest)
    with pytest.raises(
        BackupNotFound, match=f"20260101T000000Z-0000; the newest is {manifest.id}, .*--list' lists all"
    ):
        await place.backup("20260101T000000Z-0000")
    table = Path(place.name) / "objects" / manifest.tables["segments"].part.key
    whole = table.read_bytes()
    table.write_bytes(whole[:-9] + b"x" + whole[-8:])
    assert await faults_of(place, manifest) == ["the table segments has another checksum than when it was stored"]
    with pytest.raises(BackupDamaged, match="the table segments"):
        await restored(empty_url, tmp_path / "restored", place, manifest)
    table.write_bytes(whole)
    recording = Path(place.name) / "objects" / min(await content(source.blobs))
    recording.unlink()
    with pytest.raises(BackupDamaged, match="1 of 3"):
        await restored(empty_url, tmp_path / "other", place, manifest)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (0,)


async def test_old_backups_go_with_what_no_other_holds_and_one_is_made_at_a_time(source: Source, place: Place) -> None:
    first = await make_backup(source.database, source.blobs, place)
    async with source.database.transaction() as session:
        (key, *_) = await items.delete_item(session, 1)
    await source.blobs.delete(key)
    second = await make_backup(source.database, source.blobs, place)
    assert key in {each.key for each in await place.read_objects(first)}
    third = await make_backup(source.database, source.blobs, place, keep=2)
    assert [each.id for each in await place.backups()] == [second.id, third.id]
    with pytest.raises(BlobNotFound):
        await place.blobs.stat(key)
    assert [await faults_of(place, each) for each in (second, third)] == [[], []]
    async with only_backup(source.database.url):
        with pytest.raises(BackupUnderWay):
            await make_backup(source.database, source.blobs, place)
    await change(source.database.url, "UPDATE server_secrets SET secret = 'other' WHERE name = 'installation'")
    with pytest.raises(BackupUnfit, match="another installation"):
        await make_backup(source.database, source.blobs, place)


@pytest.mark.processes
async def test_a_backup_and_a_restore_that_were_killed_leave_nothing_that_counts(
    source: Source, empty_url: str, tmp_path: Path
) -> None:
    where, target = str(tmp_path / "kept"), tmp_path / "target"
    ours = {"ECHOIC_DATABASE_URL": source.database.url, "ECHOIC_DATA_DIR": str(source.folder)}
    theirs = {"ECHOIC_DATABASE_URL": empty_url, "ECHOIC_DATA_DIR": str(target)}

    def kill(at: str, *arguments: str, **environment: str) -> None:
        held = tmp_path / f"held {arguments[0]} {at}"
        running = command(*arguments, **environment, HOLD_AT=at, HOLD_FILE=str(held))
        wait_for(lambda: held.exists() or running.poll() is not None, "the copying is held")
        running.kill()
        output, _ = running.communicate()
        assert held.exists(), output

    def work() -> None:
        kill("objects", "backup", where, **ours)
        assert finished("backup", where, "--list") == ""
        assert f"of which {RECORDINGS - 1} were copied" in finished("backup", where, **ours)
        kill("objects", "restore", where, **theirs)
        kill("rows", "restore", where, **theirs)
        with psycopg.connect(empty_url) as connection:
            assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
        assert f"{RECORDINGS} objects" in finished("restore", where, **theirs)

    await asyncio.to_thread(work)
    assert all_rows(empty_url) == all_rows(source.database.url)
    assert await content(LocalBlobs(target / "blobs")) == await content(source.blobs)
