"""The things that a backup holds and that were deleted after it: known before anything is written.

A receipt names an item by its id and the moment at which it was made; one that the backup has among its own rows tells of what
had gone before. Rows are read as they lie in the backup, in the text format of COPY.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from echoic.backup.deletions import Deletion
from echoic.backup.manifest import Manifest
from echoic.backup.place import Place
from echoic.db.backup.left_out import LeftOut
from echoic.errors import BackupUnfit

_ABSENT = b"\\N"
_TRUE = b"t"
_NEEDED = {"audio": ("blobs", "removed_at"), "transcript": ("items", "transcript_removed_at")}
"""Columns that say that a part was removed, which backups of early versions lack."""


async def left_out_of(place: Place, manifest: Manifest, deletions: Sequence[Deletion]) -> LeftOut:
    """Return what of the backup was deleted after it.

    Raises BackupDamaged where its rows cannot be read, BackupUnfit where its schema cannot say that a part was removed.
    """
    known = {row[0].decode() async for row in _rows(place, manifest, "deletion_receipts", ("id",))}
    later = [each for each in deletions if each.id not in known]
    if not later:
        return LeftOut()
    held_datasets = {
        int(row[0]) async for row in _rows(place, manifest, "datasets", ("id", "legal_hold")) if row[1] == _TRUE
    }
    of_item: dict[int, list[Deletion]] = {}
    for each in later:
        of_item.setdefault(each.item_id, []).append(each)
    gone: dict[int, list[Deletion]] = {}
    blob_ids: dict[int, int] = {}
    held: list[int] = []
    columns = ("id", "created_at", "dataset_id", "audio_blob_id", "legal_hold")
    async for item_id, made, dataset_id, blob_id, holds in _rows(place, manifest, "items", columns):
        named = of_item.get(int(item_id))
        if named is None:
            continue
        made_at = datetime.fromisoformat(made.decode())
        if not (same := [each for each in named if each.uploaded_at == made_at]):
            continue  # another item, which had the id in another life of the installation
        if holds == _TRUE or int(dataset_id) in held_datasets:
            held.append(int(item_id))
        else:
            gone[int(item_id)], blob_ids[int(blob_id)] = same, int(item_id)
    keys = {
        blob_ids[int(blob_id)]: key.decode()
        async for blob_id, key in _rows(place, manifest, "blobs", ("id", "key"))
        if int(blob_id) in blob_ids
    }
    return _sorted_out(manifest, gone, keys, held=held, later=later)


def _sorted_out(
    manifest: Manifest,
    gone: dict[int, list[Deletion]],
    keys: dict[int, str],
    *,
    held: list[int],
    later: list[Deletion],
) -> LeftOut:
    items: dict[int, str] = {}
    parts: dict[str, dict[int, datetime]] = {"audio": {}, "transcript": {}}
    for item_id, deletions in gone.items():
        if any(each.removed == "item" for each in deletions):
            items[item_id] = keys[item_id]
            continue
        for each in deletions:
            parts[each.removed][item_id] = each.deleted_at
    _require_columns(manifest, {part for part, found in parts.items() if found})
    return LeftOut(
        items=items,
        audio={item_id: (keys[item_id], moment) for item_id, moment in parts["audio"].items()},
        transcripts=parts["transcript"],
        held=sorted(held),
        receipts=[asdict(each) for each in later],
        last_ids={
            "items_id_seq": max(each.item_id for each in later),
            "datasets_id_seq": max(each.dataset_id for each in later),
            "libraries_id_seq": max(each.library_id for each in later),
        },
    )


def _require_columns(manifest: Manifest, removed: Collection[str]) -> None:
    for part in sorted(removed):
        table, column = _NEEDED[part]
        if column not in manifest.tables[table].columns:
            raise BackupUnfit(
                f"The backup {manifest.id} is of the schema {manifest.schema}, which cannot say that the {part} of an item was "
                "removed, as receipts say of some. Restore a later backup, or this one with all that was deleted since: "
                "--with-deleted."
            )


async def _rows(
    place: Place, manifest: Manifest, table: str, columns: Sequence[str]
) -> AsyncIterator[tuple[bytes, ...]]:
    r"""Yield columns of each row of a table, as COPY writes them; ``\N`` for those that the backup lacks, no row for no table."""
    there = manifest.tables.get(table)
    if there is None:
        return
    places = [there.columns.index(column) if column in there.columns else None for column in columns]
    rest = b""
    async for chunk in place.read_part(there.part, named=f"the table {table}"):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            values = line.split(b"\t")
            yield tuple(_ABSENT if where is None else values[where] for where in places)
