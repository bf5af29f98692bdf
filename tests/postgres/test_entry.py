"""Who gets into the embedded server, and as what: while it is prepared its owner, afterwards the program alone."""

import os
import signal
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from echoic.db import migrate
from echoic.postgres import ROLE, EmbeddedPostgres, attach
from echoic.postgres.cluster import OWNER
from tests.conftest import as_role

Query = Callable[..., Any]

# What a superuser may do to the machine, and an owner to the tables.
FORBIDDEN = {
    "starts a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "reads a file": "SELECT pg_read_file('PG_VERSION')",
    "writes a file": "COPY (SELECT 1) TO '/tmp/echoic-test-written'",
    "makes a superuser": "CREATE ROLE another SUPERUSER",
    "becomes the owner": "SET ROLE app",
    "makes an extension": "CREATE EXTENSION file_fdw",
    "makes a table": "CREATE TABLE another (one int)",
    "changes a table": "ALTER TABLE items DROP COLUMN title",
    "removes a table": "DROP TABLE api_keys",
    "says that the schema is another": "UPDATE alembic_version SET version_num = '9999'",
    "changes the server": "ALTER SYSTEM SET archive_command = 'true'",
}


def prepared(server: EmbeddedPostgres) -> EmbeddedPostgres:
    """As ``echoic serve`` does."""
    migrate.upgrade(server.owner_url, program_role=ROLE)
    server.shut_owner_out()
    return server


def test_once_prepared_the_server_lets_nobody_in_as_a_superuser(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        assert query(server.owner_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True
        prepared(server)
        assert query(attach(site.settings()), "SELECT current_user", role=ROLE) == ROLE
        for role in (OWNER, "postgres", "root"):
            for database in ("echoic", "postgres", "template1"):
                url = as_role(server.url, role).replace("/echoic?", f"/{database}?")
                with pytest.raises(psycopg.OperationalError, match="rejects connection"):
                    psycopg.connect(url)


def test_a_server_that_comes_back_from_a_crash_lets_its_owner_in_no_more(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        prepared(server)
        os.kill(site.server_pid(), signal.SIGKILL)
        assert query(server.url, "SELECT current_user", patient=True, role=ROLE) == ROLE
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            psycopg.connect(server.owner_url)


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_programs_role_may_do_no_more_than_work_with_rows(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_a_data_folder_of_a_version_that_knew_one_role_is_taken_over_at_the_next_start(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        migrate.upgrade(server.owner_url)
        query(server.owner_url, "INSERT INTO accounts (name, plan) VALUES ('Anna', 'unlimited')")
        query(server.owner_url, f"DROP ROLE {ROLE}")
    site.folders.entry.unlink()
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        prepared(server)
        assert query(server.url, "SELECT name FROM accounts", role=ROLE) == "Anna"
        assert query(server.url, "UPDATE accounts SET name = 'Berta' RETURNING name", role=ROLE) == "Berta"


def test_a_start_that_was_killed_before_the_owner_was_shut_out_is_made_good(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options):
        assert "reject" not in site.folders.entry.read_text(encoding="utf-8")
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        prepared(server)
        assert query(server.url, "SELECT 1", role=ROLE) == 1
        assert "reject" in site.folders.entry.read_text(encoding="utf-8")
