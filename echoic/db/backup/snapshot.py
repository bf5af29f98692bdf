"""One moment of the database, read while everybody goes on writing: its rows, and the objects that they name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from echoic.db.backup.rows import Connection, Table, connected, list_tables, listed
from echoic.errors import BackupUnderWay

BACKUP_LOCK = 0x6261636B7570
"""Key of the advisory lock of the one backup that is made at a time: the bytes of 'backup'."""

_SEQUENCES = """
    SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace ORDER BY relname
"""
# Decoded audio is left out: it is large, short-lived and made again; so are bytes that were removed. The column that says so is
# read by way of JSON, since earlier schemas lack it.
_OBJECTS = """
    SELECT key, size_bytes, sha256 FROM blobs
    WHERE to_jsonb(blobs) ->> 'removed_at' IS NULL AND NOT EXISTS (SELECT FROM items WHERE items.decoded_blob_id = blobs.id)
    UNION ALL SELECT key, size_bytes, NULL FROM upload_parts
    UNION ALL SELECT key, size_bytes, sha256 FROM feed_entry_parts
    ORDER BY key
"""
_NAMED = """
    SELECT key FROM blobs WHERE key = ANY(%(keys)s) AND to_jsonb(blobs) ->> 'removed_at' IS NULL
    UNION SELECT key FROM upload_parts WHERE key = ANY(%(keys)s)
    UNION SELECT key FROM feed_entry_parts WHERE key = ANY(%(keys)s)
"""
_EMPTIED = "SELECT key FROM blobs WHERE key = ANY(%(keys)s) AND to_jsonb(blobs) ->> 'removed_at' IS NOT NULL"
_COUNTED = ("accounts", "libraries", "datasets", "items", "transcripts")


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedObject:
    """An object in storage that a row names."""

    key: str
    size_bytes: int
    sha256: str | None
    """None: no row says it, as of the parts of an unfinished upload."""


class Snapshot:
    """The database as it is at one moment."""

    def __init__(self, connection: Connection, tables: list[Table]) -> None:
        self._connection = connection
        self.tables = tables

    async def schema(self) -> str:
        """Return the revision of the schema."""
        return str(await self._value("SELECT version_num FROM alembic_version"))

    async def queue(self) -> str:
        """Return the version of the queue library whose tables these are."""
        return str(await self._value("SELECT version FROM queue_schema"))

    async def counts(self) -> dict[str, int]:
        """Return how many rows the tables have that people speak of."""
        counting = sql.SQL("SELECT count(*) FROM {}")
        return {name: int(str(await self._value(counting.format(sql.Identifier(name))))) for name in _COUNTED}

    async def sequences(self) -> dict[str, tuple[int, bool]]:
        """Return of each sequence the last value, and whether it was given out."""
        found = {}
        for (name,) in await (await self._connection.execute(_SEQUENCES)).fetchall():
            state = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
            row = await (await self._connection.execute(state)).fetchone()
            if row is not None:
                found[str(name)] = (int(row[0]), bool(row[1]))
        return found

    async def objects(self) -> list[NamedObject]:
        """Return the objects that rows name, by key, without decoded audio."""
        rows = await (await self._connection.execute(_OBJECTS)).fetchall()
        return [NamedObject(key=key, size_bytes=size, sha256=sha256) for key, size, sha256 in rows]

    async def copy(self, table: Table) -> AsyncIterator[bytes]:
        """Yield the rows of a table, in the text format of COPY."""
        columns = [
            sql.SQL("{}::real[]" if column in table.vectors else "{}").format(sql.Identifier(column))
            for column in table.columns
        ]
        rows = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(columns), table.identifier)
        async with self._connection.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(rows)) as copy:
            async for chunk in copy:
                yield bytes(chunk)

    async def _value(self, statement: LiteralString | sql.Composed) -> object:
        row = await (await self._connection.execute(statement)).fetchone()
        return None if row is None else row[0]


@asynccontextmanager
async def open_snapshot(url: str) -> AsyncIterator[Snapshot]:
    """Yield the database as it is now. Its schema stays as it is until the block ends. Raises DatabaseUnavailable."""
    async with connected(url) as connection:
        # Locked before the transaction sees anything: else a migration in between would show new columns of old rows.
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        tables = await _before(url)
        await connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(listed(tables)))
        yield Snapshot(connection, await list_tables(connection))
        await connection.execute("ROLLBACK")


async def _before(url: str) -> list[Table]:
    async with connected(url) as connection:
        return await list_tables(connection)


@asynccontextmanager
async def only_backup(url: str) -> AsyncIterator[None]:
    """Keep other backups of this database from beginning until the block ends. Raises BackupUnderWay."""
    async with connected(url) as connection:
        row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [BACKUP_LOCK])).fetchone()
        if row is None or not row[0]:
            raise BackupUnderWay
        yield


async def still_named(url: str, keys: list[str]) -> tuple[set[str], set[str]]:
    """Return those of the keys that rows name now, and those whose bytes were removed although their items stay."""
    async with connected(url) as connection:
        named = await (await connection.execute(_NAMED, {"keys": keys})).fetchall()
        emptied = await (await connection.execute(_EMPTIED, {"keys": keys})).fetchall()
    return {str(key) for (key,) in named}, {str(key) for (key,) in emptied}
