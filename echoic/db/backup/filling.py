"""An empty database is filled with the rows of a backup, in one transaction: all of them are there, or none."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import psycopg
from psycopg import sql

from echoic.db.backup import first_steps
from echoic.db.backup.left_out import LeftOut, leave_out
from echoic.db.backup.rows import Connection, Table, connected, list_tables, listed
from echoic.errors import BackupUnfit, InstallationNotEmpty

Rows: TypeAlias = Callable[[str], AsyncIterator[bytes]]
"""Yields the rows of a table by its name, in the text format of COPY; raises where they are damaged."""

_FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
"""
_INDEXES_OF_VECTORS = """
    SELECT index.indexrelid::regclass::text FROM pg_index AS index
    JOIN pg_attribute AS attribute ON attribute.attrelid = index.indexrelid
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    WHERE type.typname IN ('vector', 'halfvec')
"""


async def require_empty(url: str) -> None:
    """Raise InstallationNotEmpty where an installation has begun to use the database."""
    async with connected(url) as connection:
        await _require_empty(connection)


async def fill(
    url: str,
    *,
    columns: Mapping[str, Sequence[str]],
    sequences: Mapping[str, tuple[int, bool]],
    rows: Rows,
    removed: Collection[str],
    emptied: Collection[str],
    left_out: LeftOut,
    first_stage: str,
) -> None:
    """Fill a database whose schema is that of the backup, and take the first steps there (``first_steps``).

    ``columns`` are those of each table of the backup. ``removed`` are keys of objects that were deleted while the backup was
    made, with the items they belonged to; ``emptied`` those of recordings whose items stay. ``left_out`` was deleted after the
    backup, and is removed before anybody sees it. The role has to own the tables.

    Raises:
        InstallationNotEmpty: an installation has begun to use the database.
        BackupUnfit: the backup has tables or columns that the database lacks.
        BackupDamaged: raised by ``rows``; nothing is left in the database.
    """
    async with connected(url) as connection:
        try:
            async with connection.transaction():
                tables = await _matching(connection, columns)
                everything = await list_tables(connection)
                await connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(listed(everything)))
                await _require_empty(connection)
                await _copy_in(connection, everything, tables, rows)
                for name, (value, given) in sequences.items():
                    last = left_out.last_ids.get(name, 0)
                    state = [name, max(value, last), given or value <= last]
                    await connection.execute("SELECT setval(quote_ident(%s)::regclass, %s, %s)", state)
                await leave_out(connection, left_out, removed=removed, emptied=emptied)
                gone = [*removed, *left_out.items.values()]
                await first_steps.take(connection, removed=gone, emptied=list(emptied), first_stage=first_stage)
        except psycopg.DataError as error:
            raise BackupUnfit(f"The rows of the backup do not fit the database: {error}.") from error
        await connection.execute("ANALYZE")


async def _require_empty(connection: Connection) -> None:
    there = await (await connection.execute("SELECT to_regclass('accounts') IS NOT NULL")).fetchone()
    if there is None or not there[0]:
        return
    row = await (await connection.execute("SELECT count(*) FROM accounts")).fetchone()
    if row is not None and row[0]:
        raise InstallationNotEmpty(
            f"The database holds an installation with {row[0]} account(s). A backup is restored into an empty one only: set "
            "ECHOIC_DATA_DIR to a new folder, or DATABASE_URL to a new database."
        )


async def _matching(connection: Connection, columns: Mapping[str, Sequence[str]]) -> list[Table]:
    """Return the tables to be filled, each with the columns of the backup in their order."""
    there = {table.name: table for table in await list_tables(connection)}
    missing = [
        f"{name}.{column}"
        for name, wanted in columns.items()
        for column in wanted
        if name not in there or column not in there[name].columns
    ]
    if missing:
        raise BackupUnfit(
            f"The backup has columns that the database lacks: {', '.join(missing[:5])}. Restore it with the version of Echoic "
            "that made it, then update."
        )
    return [Table(name=name, columns=tuple(wanted), vectors=there[name].vectors) for name, wanted in columns.items()]


async def _copy_in(connection: Connection, everything: list[Table], tables: list[Table], rows: Rows) -> None:
    """Copy rows as they are: without triggers, which would count and tell them again, and checking keys at the end."""
    keys = [
        (sql.SQL(table), sql.Identifier(name), sql.SQL(definition))
        for table, name, definition in await (await connection.execute(_FOREIGN_KEYS)).fetchall()
    ]
    for table, name, _ in keys:
        await connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(table, name))
    for each in everything:
        await connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(each.identifier))
    await connection.execute(sql.SQL("TRUNCATE {}").format(listed(everything)))
    await _vectors_to_arrays(connection, everything)
    for each in tables:
        names = sql.SQL(", ").join(map(sql.Identifier, each.columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(each.identifier, names)
        async with connection.cursor().copy(statement) as copy:
            async for chunk in rows(each.name):
                await copy.write(chunk)
    for table, name, definition in keys:
        await connection.execute(sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(table, name, definition))
    for each in everything:
        await connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(each.identifier))


async def _vectors_to_arrays(connection: Connection, tables: list[Table]) -> None:
    """Have the columns of embeddings take arrays; ``migrate.upgrade`` makes them vectors again, with their index."""
    for (name,) in await (await connection.execute(_INDEXES_OF_VECTORS)).fetchall():
        await connection.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
    for table in tables:
        for column in table.vectors:
            statement = sql.SQL("ALTER TABLE {} ALTER {} TYPE real[] USING {}::real[]")
            name = sql.Identifier(column)
            await connection.execute(statement.format(table.identifier, name, name))
