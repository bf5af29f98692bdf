"""The first steps in a restored database: what was under way at the time of the backup can go on from here.

The statements run on the schema of the backup, which may be older than this version's: they use what every schema since the
first backup has. A migration that changes one of these columns says here what holds for older ones.
"""

from psycopg import sql

from echoic.db.backup.rows import Connection

_LEASES = """
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND column_name = 'leased_until'
"""
_HAS_COPIES = "SELECT 1 WHERE to_regclass('search_copies') IS NOT NULL"
# Deleted while the backup was made: their rows were in the snapshot, their bytes were gone when they were to be copied.
_FORGET_REMOVED = (
    "DELETE FROM items USING blobs WHERE blobs.id = items.audio_blob_id AND blobs.key = ANY(%(removed)s)",
    "DELETE FROM blobs WHERE key = ANY(%(removed)s)",
    "DELETE FROM uploads USING upload_parts WHERE upload_parts.upload_id = uploads.id AND upload_parts.key = ANY(%(removed)s)",
    """
    WITH broken AS (SELECT DISTINCT entry_id FROM feed_entry_parts WHERE key = ANY(%(removed)s)),
         forgotten AS (UPDATE feed_entries SET validator = NULL FROM broken WHERE feed_entries.id = broken.entry_id)
    DELETE FROM feed_entry_parts USING broken WHERE feed_entry_parts.entry_id = broken.entry_id
    """,
)
# Such a backup is of a schema that has the column.
_FORGET_EMPTIED = "UPDATE blobs SET removed_at = now(), account_id = NULL WHERE key = ANY(%(emptied)s)"
# Decoded audio is in no backup, and every stage after the first reads it: runs that have not succeeded begin again. What they
# had stored of a transcript goes with them; a transcript that the item shows stays.
_BEGIN_AGAIN = (
    """
    CREATE TEMPORARY TABLE unfinished_runs ON COMMIT DROP AS
    SELECT id, item_id, state IN ('queued', 'running') AS active FROM pipeline_queue AS run
    WHERE state <> 'succeeded'
      AND NOT EXISTS (SELECT FROM pipeline_queue AS later WHERE later.item_id = run.item_id AND later.id > run.id)
    """,
    """
    DELETE FROM transcripts USING unfinished_runs AS run
    WHERE transcripts.run_id = run.id AND NOT EXISTS (SELECT FROM items WHERE items.transcript_id = transcripts.id)
    """,
    "DELETE FROM stage_results USING unfinished_runs AS run WHERE stage_results.run_id = run.id",
    "DELETE FROM stage_checkpoints USING unfinished_runs AS run WHERE stage_checkpoints.run_id = run.id",
    """
    UPDATE pipeline_queue SET stage = %(first_stage)s, attempt = 0, claim = NULL, claimed_by = NULL, job_id = NULL,
        progress_seconds = NULL, state = CASE WHEN run.active THEN 'queued' ELSE state END
    FROM unfinished_runs AS run WHERE pipeline_queue.id = run.id
    """,
    """
    UPDATE items SET status = 'queued' FROM unfinished_runs AS run
    WHERE items.id = run.item_id AND run.active AND items.status = 'processing'
    """,
    "UPDATE items SET decoded_blob_id = NULL WHERE decoded_blob_id IS NOT NULL",
    "DELETE FROM blobs WHERE id = ANY(%(decoded)s)",
)
# Recovery gives every active run that has no job a new one. Chores that a worker held are offered again.
_FREE = (
    "DELETE FROM procrastinate_jobs WHERE args ? 'run_id' AND status IN ('todo', 'doing')",
    "UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL WHERE status = 'doing'",
    "DELETE FROM procrastinate_workers",
    "DELETE FROM workers",
)


async def take(connection: Connection, *, removed: list[str], emptied: list[str], first_stage: str) -> None:
    """Take the first steps, in the caller's transaction.

    Runs under way begin again at the first stage, jobs and leases are nobody's, there are no copies of the search index, and what was removed while the backup was made
    is removed here as well. ``removed`` are keys of objects, ``emptied`` those of recordings whose items stay.
    """
    decoded = "SELECT decoded_blob_id FROM items WHERE decoded_blob_id IS NOT NULL"
    given = {
        "removed": removed,
        "emptied": emptied,
        "first_stage": first_stage,
        "decoded": [row[0] for row in await (await connection.execute(decoded)).fetchall()],
    }
    for statement in (*_FORGET_REMOVED, *_BEGIN_AGAIN, *_FREE):
        await connection.execute(sql.SQL(statement), given)
    if emptied:
        await connection.execute(_FORGET_EMPTIED, given)
    if await (await connection.execute(_HAS_COPIES)).fetchone():
        # What they hold is of another time. New ones are made, under other names.
        await connection.execute("DELETE FROM search_copies")
    for (table,) in await (await connection.execute(_LEASES)).fetchall():
        past = sql.SQL("UPDATE {} SET leased_until = now() - interval '1 second' WHERE leased_until > now()")
        await connection.execute(past.format(sql.Identifier(table)))
