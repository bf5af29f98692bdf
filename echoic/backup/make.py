"""A backup is made of a running installation.

The rows are copied out of one snapshot first, then the objects that they name. An object that is deleted in between was
deleted with its item, or at a deadline of its own: the manifest says so, and a restore forgets that item, or notes that its
audio was removed. So no item is restored without its bytes unawares.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from echoic import __version__
from echoic.backup.deletions import keep_deletions
from echoic.backup.manifest import FORMAT, Manifest, TablePart, new_id
from echoic.backup.objects import Lost, OnProgress, checksum, copy, for_each, has_size
from echoic.backup.place import CopiedObject, Place
from echoic.db.backup.snapshot import NamedObject, Snapshot, only_backup, open_snapshot, still_named
from echoic.db.connect import Database
from echoic.db.receipts import receipts
from echoic.db.server_secrets import secret
from echoic.errors import BackupUnfit
from echoic.logs import get_logger
from echoic.storage.blobs import Blobs

INSTALLATION = "installation"
"""Name of the secret that tells installations apart; of which a backup says a digest."""
INSTALLATION_DIGITS = 16
ABANDONED_SECONDS = 3_600.0
"""Age from which what a killed backup left half-written is removed."""

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rows:
    schema: str
    queue: str
    counts: dict[str, int]
    tables: dict[str, TablePart]
    sequences: dict[str, tuple[int, bool]]
    objects: list[NamedObject]


async def make_backup(
    database: Database, blobs: Blobs, place: Place, *, keep: int | None = None, on_progress: OnProgress | None = None
) -> Manifest:
    """Copy the installation to the place, while it runs; then ``keep`` so many of the newest backups there, or all.

    Raises:
        BackupUnderWay: another backup of this installation is being made.
        BackupUnfit: the place has backups of another installation.
        DatabaseUnavailable, StorageUnavailable: nothing of this backup counts then; its objects serve the next one.
    """
    installation = await _installation(database)
    async with only_backup(database.direct_url):
        await place.blobs.sweep_staging(ABANDONED_SECONDS)
        earlier = await _backups_of(place, installation)
        began_at = datetime.now(UTC)
        async with database.transaction() as session:
            # Made here where nothing was deleted yet: the key is among the rows, so that the restored one signs with it.
            deletion_key = (await receipts.signing_key(session)).public_key
        async with open_snapshot(database.direct_url) as snapshot:
            rows = await _copy_rows(snapshot, place)
        known = await place.read_objects(earlier[-1]) if earlier else []
        copying = _Copying(blobs, place.blobs, {each.key: each for each in known})
        copied = await for_each(rows.objects, copying.copy, on_progress=on_progress)
        held = [each for each in copied if isinstance(each, CopiedObject)]
        lost = [each.key for each, found in zip(rows.objects, copied, strict=True) if isinstance(found, Lost)]
        missing, emptied = await still_named(database.direct_url, lost) if lost else (set[str](), set[str]())
        manifest = Manifest(
            format=FORMAT,
            id=new_id(began_at),
            installation=installation,
            program=__version__,
            schema=rows.schema,
            queue=rows.queue,
            began_at=began_at.isoformat(timespec="seconds"),
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
            counts=rows.counts,
            tables=rows.tables,
            sequences=rows.sequences,
            objects=await place.write_objects(held),
            object_count=len(held),
            object_bytes=sum(each.size_bytes for each in held),
            copied_count=copying.count,
            copied_bytes=copying.bytes,
            removed=[key for key in lost if key not in missing | emptied],
            emptied=sorted(emptied),
            missing=sorted(missing),
            deletion_key=deletion_key,
        )
        await place.manifests.write(manifest.name, manifest.to_json())
        await keep_deletions(database, place, installation=installation)
        if keep is not None:
            await _keep_newest(place, keep)
    logger.info("backup_made", id=manifest.id, objects=len(held), copied=copying.count, missing=len(missing))
    return manifest


async def note_deletions(database: Database, place: Place) -> int:
    """Write to the place, without a backup, what was deleted so far; returns how many receipts there are.

    Raises BackupUnfit for the place of another installation, DatabaseUnavailable and StorageUnavailable.
    """
    installation = await _installation(database)
    await _backups_of(place, installation)
    return await keep_deletions(database, place, installation=installation)


async def _installation(database: Database) -> str:
    return hashlib.sha256(await secret(database, INSTALLATION)).hexdigest()[:INSTALLATION_DIGITS]


async def _backups_of(place: Place, installation: str) -> list[Manifest]:
    """Return the backups in a place. Raises BackupUnfit where there is one of another installation."""
    found = await place.backups()
    if any(backup.installation != installation for backup in found):
        raise BackupUnfit(f"{place.name} holds backups of another installation. Give each one a place of its own.")
    return found


async def _copy_rows(snapshot: Snapshot, place: Place) -> _Rows:
    tables = {}
    for table in snapshot.tables:
        part = await place.write_part(snapshot.copy(table))
        tables[table.name] = TablePart(columns=list(table.columns), part=part)
    return _Rows(
        schema=await snapshot.schema(),
        queue=await snapshot.queue(),
        counts=await snapshot.counts(),
        tables=tables,
        sequences=await snapshot.sequences(),
        objects=await snapshot.objects(),
    )


class _Copying:
    """Copies what the place lacks."""

    def __init__(self, source: Blobs, target: Blobs, known: dict[str, CopiedObject]) -> None:
        self._source = source
        self._target = target
        self._known = known
        self.count = 0
        self.bytes = 0

    async def copy(self, wanted: NamedObject) -> CopiedObject | Lost:
        """Copy an object, or find it there: as the last backup holds it, or left by one that was killed."""
        if await has_size(self._target, wanted.key, wanted.size_bytes):
            known = self._known.get(wanted.key)
            found = known.sha256 if known is not None else await checksum(self._target, wanted.key)
            if found is not None and found == (wanted.sha256 or found):
                return CopiedObject(key=wanted.key, size_bytes=wanted.size_bytes, sha256=found)
        copied = await copy(self._source, self._target, wanted.key, size_bytes=wanted.size_bytes, sha256=wanted.sha256)
        if isinstance(copied, CopiedObject):
            self.count += 1
            self.bytes += copied.size_bytes
        return copied


async def _keep_newest(place: Place, count: int) -> None:
    """Remove all backups but the newest, and objects that none of those names: what a killed one left is among them."""
    backups = await place.backups()
    old, kept = backups[:-count], backups[-count:]
    for backup in old:
        await place.manifests.delete(backup.name)
    named = {part.key for backup in kept for part in backup.parts}
    for backup in kept:
        named |= {each.key for each in await place.read_objects(backup)}
    async for found in place.blobs.list_older_than(0):
        if found.key not in named:
            await place.blobs.delete(found.key)
    if old:
        logger.info("backups_removed", ids=[backup.id for backup in old])
