"""A backup becomes an installation again, in an empty database and a storage that holds nothing else.

Objects come first, rows last and in one transaction: whoever is interrupted finds an empty database and does it again.
"""

from collections.abc import AsyncIterator

from echoic.backup.manifest import Manifest
from echoic.backup.objects import Lost, OnProgress, checksum, copy, for_each, has_size
from echoic.backup.place import CopiedObject, Place
from echoic.db import migrate
from echoic.db.backup import filling
from echoic.db.backup.left_out import LeftOut
from echoic.errors import BackupDamaged, InstallationNotEmpty
from echoic.logs import get_logger
from echoic.stages import STAGES
from echoic.storage.blobs import Blobs

logger = get_logger(__name__)


async def restore(
    url: str,
    blobs: Blobs,
    place: Place,
    manifest: Manifest,
    *,
    left_out: LeftOut | None = None,
    on_progress: OnProgress | None = None,
) -> int:
    """Fill database and storage with a backup; returns how many objects it brought, or found there from an earlier try.

    The URL's role has to own the database; ``migrate.upgrade`` is to follow. ``left_out`` was deleted after the
    backup: neither its rows nor its objects come back.

    Raises:
        InstallationNotEmpty: database or storage hold something that is not of this backup.
        BackupDamaged: an object or a table is missing or has another checksum; the database stays empty.
        BackupUnfit: the rows do not fit.
        SchemaNewer: a newer version made the backup.
        DatabaseUnavailable, StorageUnavailable: do it again.
    """
    left_out = left_out or LeftOut()
    await filling.require_empty(url)
    migrate.lay_out(url, manifest.schema)
    held = await place.read_objects(manifest)
    await _require_nothing_else(blobs, {each.key for each in held})
    objects = [each for each in held if each.key not in left_out.keys]
    for key in left_out.keys:
        await blobs.delete(key)  # one that an interrupted restore had brought, which did not leave it out

    async def bring(each: CopiedObject) -> str | None:
        there = await has_size(blobs, each.key, each.size_bytes)
        if there and await checksum(blobs, each.key) == each.sha256:
            return None  # brought by a restore that was interrupted
        copied = await copy(place.blobs, blobs, each.key, size_bytes=each.size_bytes, sha256=each.sha256)
        return f"{each.key} is {copied.value}" if isinstance(copied, Lost) else None

    faults = [fault for fault in await for_each(objects, bring, on_progress=on_progress) if fault is not None]
    if faults:
        raise BackupDamaged(
            f"{len(faults)} of {len(objects)} objects of the backup {manifest.id} cannot be restored: {', '.join(faults[:5])}. "
            "Nothing was written into the database; try an earlier backup."
        )

    async def rows(table: str) -> AsyncIterator[bytes]:
        async for chunk in place.read_part(manifest.tables[table].part, named=f"the table {table}"):
            yield chunk

    await filling.fill(
        url,
        columns={name: table.columns for name, table in manifest.tables.items()},
        sequences=manifest.sequences,
        rows=rows,
        removed=manifest.removed,
        emptied=manifest.emptied,
        left_out=left_out,
        first_stage=STAGES.first.name,
    )
    logger.info("backup_restored", id=manifest.id, objects=len(objects), left_out=len(left_out.keys))
    return len(objects)


async def _require_nothing_else(blobs: Blobs, keys: set[str]) -> None:
    others = 0
    async for found in blobs.list_older_than(0):
        others += found.key not in keys
    if others:
        raise InstallationNotEmpty(
            f"The storage holds {others} object(s) that are not of this backup, and that would be swept after the restore. Restore "
            "with a new ECHOIC_DATA_DIR, or with an ECHOIC_STORAGE_URL whose prefix holds nothing."
        )
