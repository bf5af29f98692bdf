"""The real PostgreSQL for all tests: one embedded server for each test process, a database of its own for each test."""

import gc
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from echoic.postgres import ROLE, EmbeddedPostgres
from echoic.postgres.cluster import OWNER
from echoic.settings import Settings
from tests.databases import Databases, new_database
from tests.folders import passable_folder

pytest_plugins = ("tests.buckets", "tests.films", "tests.pgbouncer", "tests.sites")

TEMPLATE = "echoic_template"

POSTGRES_PROGRAMS = Path(os.environ["TESTS_POSTGRES_BIN_DIR"]) if "TESTS_POSTGRES_BIN_DIR" in os.environ else None
"""Another PostgreSQL than that of the package, to run the tests with; it may have no pgvector."""

# What is lost in a crash does not matter here.
UNSAFE_AND_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    # It leaves statistics of one test's rows behind, which change what the search of another sends.
    "autovacuum": "off",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that wait for processes and models, so that none is left for one test process at the end."""
    items.sort(key=lambda item: not any(item.get_closest_marker(slow) for slow in ("processes", "models")))


def pytest_configure() -> None:
    """What is loaded to find the tests stays: searching it for garbage meanwhile took a quarter of that time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Nor is it searched later, which took a tenth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command run in the test logs to an error stream that is closed afterwards; the next test would stumble over it."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A libpq URL of the server for its owner; its database ``echoic`` is empty."""
    with passable_folder() as folder:
        settings = Settings(
            _env_file=None, data_dir=folder / "data", postgres_bin_dir=POSTGRES_PROGRAMS, postgres_account=None
        )
        with EmbeddedPostgres(settings, options=UNSAFE_AND_FAST) as server:
            yield server.owner_url


@pytest.fixture(scope="session")
def pgvector(postgres_server: str) -> None:
    """Require pgvector: the test is left out where another PostgreSQL was chosen, which has none."""
    with psycopg.connect(postgres_server) as connection:
        offered = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    if not offered and POSTGRES_PROGRAMS is not None:
        pytest.skip(f"the PostgreSQL of {POSTGRES_PROGRAMS} has no pgvector")
    assert offered


@pytest.fixture(scope="session")
def databases(postgres_server: str) -> Databases:
    """Copies of a database with this version's schema and no rows."""
    from echoic.db import migrate

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    migrate.upgrade(postgres_server.replace("/echoic?", f"/{TEMPLATE}?", 1), program_role=ROLE)
    return Databases(postgres_server, TEMPLATE)


@pytest.fixture
def database_url(databases: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    """A libpq URL of a database with the schema and no rows, for the program's role, which cannot change the schema."""
    name = databases.take()
    yield as_role(databases.url(name), ROLE)
    databases.give_back(name, changed="owner_url" in request.fixturenames)


@pytest.fixture
def empty_url(postgres_server: str) -> Iterator[str]:
    """A libpq URL of a database without any schema, for its owner."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture
def owner_url(database_url: str) -> str:
    """The URL of the same database for the role that owns it, a superuser: for what the program never does."""
    return as_role(database_url, OWNER)


@pytest.fixture
def as_owner(owner_url: str) -> Callable[..., None]:
    """Executes statements as the owner of the database."""

    def execute(*statements: str) -> None:
        with psycopg.connect(owner_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    return execute


def as_role(url: str, role: str) -> str:
    """The URL of a database, for another role."""
    return f"postgresql://{role}@{url.partition('@')[2]}"
