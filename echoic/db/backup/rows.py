"""The tables of a database and how their rows are copied: what reading a snapshot and filling a database share.

Rows travel in PostgreSQL's text format of COPY, which every version reads. Embeddings travel as arrays of numbers, so that
a database with pgvector can be copied into one without, and the other way round.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from echoic.db.connect import APPLICATION_NAME, connecting
from echoic.db.urls import libpq_url
from echoic.errors import DatabaseUnavailable, RoleNotOwner

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

OF_THE_SCHEMA = ("alembic_version", "queue_schema")
"""Tables that say which schema this is: migrations fill them."""
VECTORS = ("vector", "halfvec")

# What a value looks like in text must not depend on how the server is set up.
_SAME_TEXT = (
    "SET datestyle TO 'ISO'",
    "SET intervalstyle TO 'postgres'",
    "SET timezone TO 'UTC'",
    "SET extra_float_digits TO 1",
    "SET bytea_output TO 'hex'",
    "SET statement_timeout TO 0",
    "SET idle_in_transaction_session_timeout TO 0",
)
_COLUMNS = """
    SELECT class.relname, attribute.attname, type.typname
    FROM pg_class AS class
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    WHERE class.relkind = 'r' AND class.relnamespace = current_schema()::regnamespace
      AND attribute.attnum > 0 AND NOT attribute.attisdropped AND attribute.attgenerated = ''
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = class.oid AND deptype = 'e')
    ORDER BY class.relname, attribute.attnum
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table as it is copied."""

    name: str
    columns: tuple[str, ...]
    vectors: tuple[str, ...]
    """Those of the columns that are of a type of pgvector."""

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.name)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """Yield a connection outside of any transaction. Raises DatabaseUnavailable, and RoleNotOwner for a role too small."""
    try:
        given = {**connecting(pooled=False), "application_name": f"{APPLICATION_NAME}-backup"}
        connection = await psycopg.AsyncConnection.connect(libpq_url(url), autocommit=True, **given)
        async with connection:
            for statement in _SAME_TEXT:
                await connection.execute(statement)
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise RoleNotOwner(
            f"The role of the database may not do that ({error}). A backup needs a role that reads all tables, a restore "
            "the role that owns them."
        ) from error
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable from error


async def list_tables(connection: Connection) -> list[Table]:
    """Return all tables whose rows are copied, by name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in await (await connection.execute(_COLUMNS)).fetchall():
        if table not in OF_THE_SCHEMA:
            found.setdefault(table, []).append((column, kind))
    return [
        Table(
            name=name,
            columns=tuple(column for column, _ in columns),
            vectors=tuple(column for column, kind in columns if kind in VECTORS),
        )
        for name, columns in found.items()
    ]


def listed(tables: list[Table]) -> sql.Composed:
    """Return the tables' names as they stand in a statement."""
    return sql.SQL(", ").join([table.identifier for table in tables])
