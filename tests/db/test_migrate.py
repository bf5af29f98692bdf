"""Migrations: they give what the models say, may be run by many at once, and do without pgvector."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import numpy as np
import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager

from echoic.db import migrate
from echoic.db.search import index
from echoic.db.urls import libpq_url
from echoic.errors import (
    DatabaseUnavailable,
    EncodingUnfit,
    ExtensionMissing,
    RoleNotOwner,
    SchemaNewer,
    SchemaOutdated,
)
from tests.conftest import as_role

MANY = 4

REFUSE = """
    CREATE FUNCTION refuse_extension() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_query() ILIKE '%EXTENSION IF NOT EXISTS {name}%' THEN RAISE EXCEPTION 'not available here'; END IF;
    END $$;
    CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION')
        EXECUTE FUNCTION refuse_extension();
"""


@pytest.fixture
def refuse_extension(empty_url: str) -> Callable[[str], None]:
    """Makes the database one in which an extension cannot be had."""

    def refuse(name: str) -> None:
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute(REFUSE.format(name=name))

    return refuse


@pytest.mark.usefixtures("pgvector")
def test_the_migrated_database_is_what_the_models_say(database_url: str) -> None:
    assert migrate.drift(database_url) == []


def test_the_files_of_the_migrations_are_named_for_their_revisions_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    assert migrate.known_revisions() == [each.revision for each in revisions][::-1]


def test_drift_is_seen(owner_url: str) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE items DROP COLUMN description")
    assert "description" in str(migrate.drift(owner_url))


@pytest.mark.usefixtures("pgvector")
def test_upgrading_twice_and_by_many_at_once_is_the_same_as_once(empty_url: str) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(migrate.upgrade, [empty_url] * MANY))
    migrate.upgrade(empty_url)
    migrate.verify(empty_url)
    assert migrate.drift(empty_url) == []


def test_a_database_without_the_schema_is_refused_with_what_to_do(empty_url: str) -> None:
    with pytest.raises(SchemaOutdated, match="echoic db upgrade"):
        migrate.verify(empty_url)


@pytest.mark.parametrize("act", [migrate.upgrade, migrate.verify])
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_text_is_refused_by_its_encoding(
    postgres_server: str, encoding: str, act: Callable[[str], None]
) -> None:
    name = f"encoded_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        try:
            with pytest.raises(EncodingUnfit, match=rf"{name}' has the encoding {encoding}, and Echoic needs UTF8\."):
                act(_of(postgres_server, name))
        finally:
            connection.execute(f"DROP DATABASE {name}")  # nobody is connected any more


@pytest.mark.parametrize("act", [migrate.upgrade, migrate.verify])
def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(act: Callable[[str], None], owner_url: str) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(SchemaNewer, match=r"is at 9999, .* Start that version"):
            act(owner_url)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_a_role_that_owns_nothing_starts_on_a_database_that_is_up_to_date(database_url: str) -> None:
    migrate.upgrade(database_url)
    migrate.verify(database_url)


def test_a_role_that_owns_nothing_is_told_who_has_to_change_the_schema(database_url: str, owner_url: str) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("UPDATE queue_schema SET version = '3.3.0'")
    with pytest.raises(RoleNotOwner, match="'echoic db upgrade' once with the URL of the role that owns the tables"):
        migrate.upgrade(database_url)
    with psycopg.connect(owner_url) as connection:
        assert connection.execute("SELECT version FROM queue_schema").fetchone() == ("3.3.0",)


@pytest.mark.usefixtures("pgvector")
def test_a_role_that_owns_its_database_and_is_no_superuser_does_it_all(postgres_server: str) -> None:
    name = f"owned_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        try:
            with psycopg.connect(_of(postgres_server, name), autocommit=True) as inside:
                inside.execute("CREATE EXTENSION vector")  # the only one that needs a superuser
            url = as_role(_of(postgres_server, name), name)
            migrate.upgrade(url)
            migrate.upgrade(url)
            assert migrate.drift(url) == []
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            connection.execute(f"DROP ROLE {name}")


def _of(server_url: str, database: str) -> str:
    return server_url.replace("/echoic?", f"/{database}?", 1)


def test_a_missing_extension_that_is_needed_stops_the_start_and_is_named(
    empty_url: str, refuse_extension: Callable[[str], None]
) -> None:
    refuse_extension("unaccent")
    with pytest.raises(ExtensionMissing, match="'unaccent'"):
        migrate.upgrade(empty_url)


@pytest.mark.usefixtures("pgvector")
def test_without_pgvector_embeddings_are_kept_and_become_vectors_once_it_is_there(
    empty_url: str, refuse_extension: Callable[[str], None]
) -> None:
    refuse_extension("vector")
    migrate.upgrade(empty_url)
    values = np.linspace(0, 1, index.DIMENSIONS).tolist()
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # the segment itself does not matter here
        connection.execute(
            "INSERT INTO segment_embeddings (segment_id, transcript_id, model, vector) VALUES (1, 1, 'model', %s)",
            (values,),
        )
        connection.execute("DROP EVENT TRIGGER refuse")
    migrate.upgrade(empty_url)
    assert migrate.drift(empty_url) == []
    with psycopg.connect(empty_url) as connection:
        kept = connection.execute("SELECT vector::real[] FROM segment_embeddings").fetchone()
    assert kept is not None
    assert kept[0] == pytest.approx(values, abs=1e-3)


def test_an_older_queue_schema_is_brought_up_by_the_librarys_own_migrations(empty_url: str) -> None:
    folder = Path(SchemaManager.get_migrations_path())
    with psycopg.connect(empty_url, autocommit=True) as connection:
        for path in sorted(folder.glob("*.sql")):
            if path.name < "03.04":
                connection.execute(path.read_bytes())
        connection.execute("CREATE TABLE queue_schema (version text NOT NULL)")
        connection.execute("INSERT INTO queue_schema VALUES ('3.3.0')")
    migrate.upgrade(empty_url)
    with psycopg.connect(empty_url) as connection:
        found = connection.execute("SELECT 1 FROM pg_proc WHERE proname = 'procrastinate_retry_job_v2'").fetchone()
        applied = connection.execute("SELECT version FROM queue_schema").fetchone()
    assert found == (1,)
    assert applied == (version("procrastinate"),)


def test_a_server_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(DatabaseUnavailable):
        migrate.upgrade("postgresql://app@/echoic?host=/nowhere")


def test_urls_in_every_customary_spelling_reach_the_same_driver(database_url: str) -> None:
    for scheme in ("postgres://", "postgresql://", "postgresql+psycopg://"):
        with psycopg.connect(libpq_url(scheme + database_url.split("://", 1)[1])) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
