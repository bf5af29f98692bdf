"""Brings a database to this version's schema: extensions, Alembic migrations, then the job queue's own tables.

Several processes may call it at once; an advisory lock lets one work and the others wait. Alembic is imported where it
works: loading it takes a worker longer than asking which schema there is.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import procrastinate.schema
import psycopg
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, create_engine, exc, text

from echoic.db import roles, schema
from echoic.db.connect import connecting
from echoic.db.readiness import Fault, unreachable
from echoic.db.search import index
from echoic.db.speakers import speakers
from echoic.db.urls import libpq_url
from echoic.errors import (
    DatabaseUnavailable,
    EncodingUnfit,
    ExtensionMissing,
    InstallationNotEmpty,
    RoleNotOwner,
    SchemaNewer,
    SchemaOutdated,
)
from echoic.logs import get_logger

ADVISORY_LOCK = 0x6563686F6963
"""Key of the lock that serializes migrations: the bytes of 'echoic'."""

ENCODING = "UTF8"
"""The only one that holds every text; PostgreSQL's name for it."""
REQUIRED_EXTENSIONS = ("pg_trgm", "unaccent")
OPTIONAL_EXTENSIONS = ("vector",)

QUEUE_TABLE_PREFIX = "procrastinate_"
MIGRATIONS = Path(__file__).parent / "migrations"
_QUEUE_MIGRATION = re.compile(r"(\d+)\.(\d+)\.(\d+)_(\d+)_")

logger = get_logger(__name__)


def upgrade(url: str, *, program_role: str | None = None) -> None:
    """Bring the database to this version's schema; does nothing where it is there already.

    ``program_role`` is let use the tables, where another role than the URL's is to work with them.

    Raises:
        RoleNotOwner: there is something to change, and the URL's role may not; nothing is changed.
        ExtensionMissing: a needed extension is neither there nor can be created.
        SchemaNewer: a newer version has upgraded the database; nothing is changed.
        EncodingUnfit: the database has another encoding than UTF8.
        DatabaseUnavailable: the server cannot be reached.
    """
    with _connected(url) as connection, _alone(connection):
        try:
            present, wanted = _present_and_wanted(connection)
            if present != wanted or _queue_version(connection) != version("procrastinate") or _owns_tables(connection):
                _change(connection, program_role, revision="head" if present != wanted else None)
        except exc.ProgrammingError as error:
            if isinstance(error.orig, InsufficientPrivilege):
                raise RoleNotOwner(
                    f"The role of DATABASE_URL may not change the schema, which is at {present or 'nothing'}; this version "
                    f"needs {wanted}. Run 'echoic db upgrade' once with the URL of the role that owns the tables. "
                    f"({error.orig})"
                ) from error
            raise


def lay_out(url: str, revision: str) -> None:
    """Bring a database without rows to an earlier schema, which the rows of a backup fit; ``upgrade`` is to follow.

    Raises:
        SchemaNewer: this version does not know the revision.
        InstallationNotEmpty: the database has a later schema already.
        ExtensionMissing: a needed extension is neither there nor can be created.
        DatabaseUnavailable: the server cannot be reached.
    """
    known = known_revisions()
    if revision not in known:
        raise SchemaNewer(
            f"The backup has the schema {revision}, this version knows none after {known[-1]}: a newer version of Echoic has "
            "made it. Restore it with that version."
        )
    with _connected(url) as connection, _alone(connection):
        present, _ = _present_and_wanted(connection)
        if present is not None and present > revision:
            raise InstallationNotEmpty(
                f"The database has the schema {present}, which is later than the backup's ({revision}). Restore into a database "
                "that was just created: the restore lays out the tables itself."
            )
        _require_writes(connection)
        _ensure_extensions(connection)
        _upgrade_queue(connection)
        _run_migrations(connection, revision)
        connection.commit()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold the lock of those who change the schema. It belongs to the session, for Alembic commits transactions of its own."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


def _change(connection: Connection, program_role: str | None, *, revision: str | None) -> None:
    """Bring the tables to a revision, or leave them where it is None, and what stands beside them to this version's state."""
    _require_writes(connection)
    _ensure_extensions(connection)
    _upgrade_queue(connection)  # first: functions of ours stand on its tables
    if revision is not None:
        _run_migrations(connection, revision)
        connection.commit()
    _adopt_vector(connection)
    if program_role is not None:
        roles.let_use(connection, program_role)


def verify(url: str) -> None:
    """Check that the database has this version's schema; raises SchemaOutdated, SchemaNewer or EncodingUnfit."""
    with _connected(url) as connection:
        present, wanted = _present_and_wanted(connection)
        if present != wanted:
            raise SchemaOutdated(
                f"The database schema is at {present or 'nothing'}, this version needs {wanted}; "
                "run 'echoic db upgrade' with this version, or start the version that made the database."
            )


def drift(url: str) -> list[str]:
    """Return what differs between the tables in the database and the models in the code; empty when nothing does."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with _connected(url) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_name": _is_ours}
        )
        return [repr(difference) for difference in compare_metadata(context, schema.metadata)]


def _present_and_wanted(connection: Connection) -> tuple[str | None, str | None]:
    """Return the database's schema version and this program's; raises SchemaNewer for one that it does not know."""
    known = known_revisions()
    present, wanted = _revision(connection), known[-1]
    if present is not None and present not in known:
        raise SchemaNewer(
            f"The database schema is at {present}, this version knows none after {wanted}: "
            "a newer version of Echoic has upgraded it. Start that version."
        )
    return present, wanted


def known_revisions() -> list[str]:
    """Return the revisions of the schema that this version knows, oldest first: the file of each begins with its name."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _revision(connection: Connection) -> str | None:
    """Return the revision that Alembic has written down in the database."""
    if not connection.execute(text("SELECT to_regclass('alembic_version')")).scalar():
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    # Nothing is asked often enough to be prepared, and the URL may lead through a pool of connections.
    given = connecting(pooled=True)

    def connect() -> psycopg.Connection:
        connection = psycopg.connect(libpq_url(url), **given)
        _require_encoding(connection)
        return connection

    engine = create_engine("postgresql+psycopg://", creator=connect)
    try:
        with engine.connect() as connection:
            yield connection
    except exc.OperationalError as error:
        raise unreachable(error.orig or error) from error
    finally:
        engine.dispose()


def _require_writes(connection: Connection) -> None:
    """Raise DatabaseUnavailable where the server takes reads alone, for which the change itself is refused in other words."""
    if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
        raise DatabaseUnavailable(
            f"The schema cannot be changed: the database is there, but {Fault.READS_ALONE.value}."
        )


def _require_encoding(connection: psycopg.Connection) -> None:
    """Raise EncodingUnfit where the database cannot hold every text. Of SQL_ASCII the driver reads bytes in place of texts."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in (ENCODING, None):  # some pools do not say it
        name = connection.info.dbname
        connection.close()
        raise EncodingUnfit(
            f"The database {name!r} has the encoding {encoding}, and Echoic needs {ENCODING}. Make another one by "
            f"\"CREATE DATABASE name ENCODING '{ENCODING}' TEMPLATE template0\" and set ECHOIC_DATABASE_URL to it."
        )


def _owns_tables(connection: Connection) -> bool:
    """Return whether the role is that of the tables' owner, and so the one that changes them."""
    owns = text("SELECT pg_has_role(tableowner, 'USAGE') FROM pg_tables WHERE tablename = 'alembic_version'")
    return bool(connection.execute(owns).scalar())


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith((QUEUE_TABLE_PREFIX, "queue_schema")))


def _run_migrations(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _ensure_extensions(connection: Connection) -> None:
    for name in REQUIRED_EXTENSIONS + OPTIONAL_EXTENSIONS:
        try:
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {name}"))
            connection.commit()
        except exc.DBAPIError as error:
            if error.connection_invalidated:
                raise  # the server went away, which says nothing of the extension
            connection.rollback()
            if name in OPTIONAL_EXTENSIONS:
                remedy = f"a superuser runs CREATE EXTENSION {name} in this database, then the server is started again"
                logger.warning("extension_missing", extension=name, effect="no search by meaning", remedy=remedy)
                continue
            raise ExtensionMissing(
                f"The database lacks the extension '{name}' and this role could not create it. Install PostgreSQL's "
                f"contrib package and run 'CREATE EXTENSION {name}' there as a superuser. ({error.orig})"
            ) from error


def _adopt_vector(connection: Connection) -> None:
    """Turn stored embeddings into vectors, and index them, as soon as the database has pgvector, be it years later."""
    if not connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")).scalar():
        connection.commit()
        return
    if _is_array(connection, "voiceprints"):
        # Whole precision and no index: there are few of them, and all of a library's are compared.
        connection.execute(
            text(f"ALTER TABLE voiceprints ALTER vector TYPE vector({speakers.DIMENSIONS}) USING vector::vector")
        )
    if _is_array(connection, "segment_embeddings"):
        connection.execute(
            text(f"ALTER TABLE segment_embeddings ALTER vector TYPE halfvec({index.DIMENSIONS}) USING vector::halfvec")
        )
    connection.execute(
        text(
            "CREATE INDEX IF NOT EXISTS ix_segment_embeddings_vector "
            "ON segment_embeddings USING hnsw (vector halfvec_ip_ops)"
        )
    )
    connection.commit()


def _is_array(connection: Connection, table: str) -> bool:
    kind = connection.execute(
        text(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = :table ::regclass AND attname = 'vector'"
        ),
        {"table": table},
    ).scalar()
    return bool(kind == "real[]")


def _upgrade_queue(connection: Connection) -> None:
    """Apply the queue library's own schema, or those of its migrations that came after the applied version."""
    wanted = version("procrastinate")
    connection.execute(text("CREATE TABLE IF NOT EXISTS queue_schema (version text NOT NULL)"))
    applied = _queue_version(connection)
    if applied == wanted:
        connection.commit()
        return
    if applied is None:
        scripts = [procrastinate.schema.SchemaManager.get_schema()]
        connection.execute(text("INSERT INTO queue_schema VALUES (:version)"), {"version": wanted})
    else:
        scripts = [path.read_text(encoding="utf-8") for path in _queue_migrations_after(applied)]
        connection.execute(text("UPDATE queue_schema SET version = :version"), {"version": wanted})
    # Our triggers on its tables would otherwise do their work at the commit, and a table with work left to do cannot be altered.
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    for sql in scripts:
        # Past SQLAlchemy, which hands over parameters even where there are none, and with them percent signs need care.
        connection.connection.cursor().execute(sql)
    connection.commit()
    logger.info("queue_schema_upgraded", before=applied, after=wanted)


def _queue_version(connection: Connection) -> str | None:
    if not connection.execute(text("SELECT to_regclass('queue_schema')")).scalar():
        return None
    found: str | None = connection.execute(text("SELECT version FROM queue_schema")).scalar()
    return found


def _queue_migrations_after(applied: str) -> list[Path]:
    after = tuple(int(part) for part in applied.split(".")[:3])
    folder = Path(procrastinate.schema.SchemaManager.get_migrations_path())
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _QUEUE_MIGRATION.match(path.name)
        if match and tuple(int(part) for part in match.groups()[:3]) > after:
            found.append(path)
    return found
