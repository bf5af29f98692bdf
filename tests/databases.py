"""Databases for tests: new ones without a schema, and ones with the schema and no rows, which are handed on.

One of the latter that a test has used is cleared for the next.

Clearing costs less than copying the schema, and each first connection to a new database builds its caches from nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql

PATIENCE_MS = 10_000
"""Time for the connections that a test left behind to end."""

TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 2"
STAYING = """
    WITH others AS MATERIALIZED (
        SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    )
    SELECT pid FROM others WHERE NOT pg_terminate_backend(pid, %s)
"""
"""Ends all other connections, and returns those that do not end."""
GROWN = """
    SELECT bool_or(pg_relation_size(oid) > 10 * current_setting('block_size')::int)
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
"""Whether a table takes more pages than PostgreSQL supposes of one that was never looked at: then plans would be others."""
NEW_SECRETS = "DELETE FROM server_secrets WHERE name <> 'deletion receipts'"
"""Removes the secrets that a test has made; this one comes with the schema."""
REWIND = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL
"""


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """The URL of a database without any schema, for its owner; it is dropped when the block ends.

    ``server_url`` leads to another database of the same server, as its owner.
    """
    name = f"new_{uuid4().hex}"
    quoted = sql.Identifier(name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
        try:
            yield _url_of(server_url, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(quoted))


def _url_of(server_url: str, name: str) -> str:
    return server_url.replace("/echoic?", f"/{name}?", 1)


class Databases:
    """The databases of one test process, copies of one template."""

    def __init__(self, server_url: str, template: str) -> None:
        """``server_url`` leads to another database of the same server, as its owner."""
        self._server_url = server_url
        self._template = template
        self._cleared: list[str] = []
        with psycopg.connect(self.url(template), autocommit=True) as connection:
            tables = [sql.Identifier(*row) for row in connection.execute(TABLES)]
            filled = connection.execute(_filled(tables)).fetchall()
            given = [table for table in tables if (table.as_string(),) in filled]
            self._filled = _filled([table for table in tables if table not in given])
            self._given = _rows(given)
            self._first_rows = connection.execute(self._given).fetchall()

    def url(self, name: str) -> str:
        """The URL of a database, for its owner."""
        return _url_of(self._server_url, name)

    def take(self) -> str:
        """The name of a database that nobody uses, with no row but those that come with the schema."""
        if self._cleared:
            return self._cleared.pop()
        name = f"test_{uuid4().hex}"
        # Copying files takes a fifth of the time of the default, which logs every page.
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._run(clone.format(sql.Identifier(name), sql.Identifier(self._template)))
        return name

    def give_back(self, name: str, *, changed: bool) -> None:
        """Take a database back from a test; it is handed on unless its schema may have ``changed``."""
        if not changed and self._clear(name):
            self._cleared.append(name)
        else:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _clear(self, name: str) -> bool:
        """Remove all rows that a test made; returns whether the database is as it was at first."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            if connection.execute(STAYING, [PATIENCE_MS]).fetchall():
                return False
            filled = [table for (table,) in connection.execute(self._filled)]
            if filled and connection.execute(GROWN).fetchall() == [(True,)]:
                connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE".encode())
            elif filled:
                # Truncating makes the files of nearly all tables and indexes new, which takes longer than most tests.
                deletions = [f"DELETE FROM {table}" for table in filled]  # noqa: S608 - quoted names of our own
                connection.execute("; ".join(["SET session_replication_role = replica", *deletions]).encode())
            connection.execute(NEW_SECRETS)
            connection.execute(REWIND)
            return connection.execute(self._given).fetchall() == self._first_rows

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(statement)


def _filled(tables: list[sql.Identifier]) -> sql.Composed:
    """Return a query for the names, quoted, of those of the tables that hold rows."""
    each = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(table.as_string()), table)
        for table in tables
    ]
    return sql.SQL(" UNION ALL ").join(each)


def _rows(tables: list[sql.Identifier]) -> sql.Composed:
    """Return a query for all rows of the tables."""
    each = [
        sql.SQL("SELECT {}, row::text FROM {} AS row").format(sql.Literal(table.as_string()), table) for table in tables
    ]
    return sql.SQL("{} ORDER BY 1, 2").format(sql.SQL(" UNION ALL ").join(each))
