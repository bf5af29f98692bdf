"""The rows that a restore leaves out, since they were deleted after the backup: removed in the transaction that fills the database.

The statements run on the schema of the backup, as those of ``first_steps`` do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from echoic.db.backup.rows import Connection
from echoic.db.items.removed_parts import MADE_OF_TEXT
from echoic.db.outbox.quotations import without_quotations
from echoic.db.outbox.rights import ALERT, DIGEST

_THERE = "SELECT to_regclass(%s) IS NOT NULL"
_AUDIO = "UPDATE blobs SET removed_at = %(removed_at)s, account_id = NULL WHERE key = %(key)s"
_OF_KEYS = "SELECT items.id FROM items JOIN blobs ON blobs.id = items.audio_blob_id WHERE blobs.key = ANY(%s)"
_PEAKS = "DELETE FROM item_peaks WHERE item_id = ANY(%(ids)s)"
_TRANSCRIPT = "UPDATE items SET transcript_id = NULL, transcript_removed_at = %(removed_at)s WHERE id = %(item_id)s"
# The work on it had not ended at the time of the backup, and ended before a part was removed. It cannot be done again: what it
# reads or makes is gone. Other deadlines count from the time of its publishing, of which the backup knows no better one.
_END_WORK = (
    "DELETE FROM pipeline_queue WHERE item_id = ANY(%(ids)s) AND state IN ('queued', 'running')",
    """
    UPDATE items SET status = 'published', published_at = coalesce(published_at, created_at)
    WHERE id = ANY(%(ids)s) AND status IN ('queued', 'processing')
    """,
)
_QUOTING = "SELECT id, body FROM outbox_deliveries WHERE type IN (%(alert)s, %(digest)s)"
_RECEIPT = """
    INSERT INTO deletion_receipts (id, owner_account_id, library_id, dataset_id, item_id, removed, deleted_at, public_key,
        statement, signature, keys_left, confirmation, confirmation_signature)
    SELECT %(id)s, (SELECT owner_account_id FROM libraries WHERE id = %(library_id)s), %(library_id)s, %(dataset_id)s, %(item_id)s,
        %(removed)s, %(deleted_at)s, %(public_key)s, %(statement)s, %(signature)s, '{}', %(confirmation)s, %(confirmation_signature)s
    ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """The items and parts of a backup that were deleted after it, by receipts that were verified."""

    items: Mapping[int, str] = field(default_factory=dict)
    """By their ids, the keys of their recordings."""
    audio: Mapping[int, tuple[str, datetime]] = field(default_factory=dict)
    """Of items that stay: the key, and when the audio was removed."""
    transcripts: Mapping[int, datetime] = field(default_factory=dict)
    """Of items that stay: when the transcript was removed."""
    held: Sequence[int] = ()
    """The ids of items that stay whole although they were deleted since: the backup has them under legal hold."""
    receipts: Sequence[Mapping[str, Any]] = ()
    """Rows for ``deletion_receipts`` that the backup lacks, without their owners and keys."""
    last_ids: Mapping[str, int] = field(default_factory=dict)
    """By the names of sequences, the largest ids that receipts name: these are not given again."""

    @property
    def keys(self) -> set[str]:
        """Return the keys of the objects that are not restored."""
        return {*self.items.values(), *(key for key, _ in self.audio.values())}


async def leave_out(
    connection: Connection, left_out: LeftOut, *, removed: Collection[str], emptied: Collection[str]
) -> None:
    """Remove it, and keep the receipts; whole items go by the keys of their recordings, with ``first_steps``.

    ``removed`` and ``emptied`` are the keys of what was deleted while the backup was made: what was made of that goes, too.
    """
    async with connection.cursor() as cursor:
        removed_ids = await _ids(cursor, removed)
        emptied_ids = await _ids(cursor, emptied)
        await cursor.executemany(
            _AUDIO, [{"key": key, "removed_at": removed_at} for key, removed_at in left_out.audio.values()]
        )
        await cursor.execute(_PEAKS, {"ids": [*left_out.audio, *emptied_ids]})
        await cursor.executemany(
            _TRANSCRIPT,
            [{"item_id": item_id, "removed_at": removed_at} for item_id, removed_at in left_out.transcripts.items()],
        )
        for statement in _END_WORK:
            await cursor.execute(statement, {"ids": [*left_out.audio, *left_out.transcripts]})
        await _remove_texts(cursor, list(left_out.transcripts))
        await _forget_quotations(cursor, {*left_out.items, *left_out.transcripts, *removed_ids})
        if left_out.receipts and await _is_there(cursor, "deletion_receipts"):
            await cursor.executemany(_RECEIPT, left_out.receipts)


async def _ids(cursor: psycopg.AsyncCursor[tuple[Any, ...]], keys: Collection[str]) -> list[int]:
    return [item_id for (item_id,) in await (await cursor.execute(_OF_KEYS, [list(keys)])).fetchall()] if keys else []


async def _remove_texts(cursor: psycopg.AsyncCursor[tuple[Any, ...]], ids: Sequence[int]) -> None:
    if not ids:
        return
    for table in MADE_OF_TEXT:
        if await _is_there(cursor, table.__tablename__):
            statement = sql.SQL("DELETE FROM {} WHERE item_id = ANY(%s)").format(sql.Identifier(table.__tablename__))
            await cursor.execute(statement, [ids])


async def _forget_quotations(cursor: psycopg.AsyncCursor[tuple[Any, ...]], ids: Collection[int]) -> None:
    if not ids:
        return
    quoting = await cursor.execute(_QUOTING, {"alert": ALERT, "digest": DIGEST})
    for delivery_id, body in await quoting.fetchall():
        left = without_quotations(body, ids)
        if left is None:
            await cursor.execute("DELETE FROM outbox_deliveries WHERE id = %s", [delivery_id])
        elif left != body:
            await cursor.execute("UPDATE outbox_deliveries SET body = %s WHERE id = %s", [left, delivery_id])


async def _is_there(cursor: psycopg.AsyncCursor[tuple[Any, ...]], table: str) -> bool:
    found = await (await cursor.execute(_THERE, [table])).fetchone()
    return found is not None and bool(found[0])
