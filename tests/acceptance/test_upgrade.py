"""An upgrade while the former program works: a real server and worker of an earlier schema go on, beside those of this version.

The former program is taken out of the repository's history, and the test is left out where that does not reach back so far.
"""

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from echoic.db import migrate
from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING, REPOSITORY
from tests.acceptance.items import item, upload
from tests.kept import counts_of_items, waiting_jobs
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

FORMER = "fccec79b224a768050b35d4695e1b10d92b9e822"
"""The last commit of the schema 0057. Migrations after it add tables and columns and count again: 0060 is the heaviest so far."""
FORMER_SCHEMA = "0057"
SHORT = RECORDING.with_name("jfk.flac")

TABLES_OF_ITEMS = """
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND column_name = %s ORDER BY 1
"""
COUNTS = """
    SELECT sum(mentions) FILTER (WHERE dataset_id > 0), sum(mentions) FILTER (WHERE dataset_id < 0) FROM subject_counts
    UNION ALL
    SELECT sum(mentions) FILTER (WHERE dataset_id > 0), sum(mentions) FILTER (WHERE dataset_id < 0) FROM word_days
"""
"""What is named and said in datasets, and in libraries: the former program knows nothing of the latter."""


@pytest.fixture
def former_program(tmp_path: Path) -> Path:
    """A folder with the former program."""
    archive = subprocess.run(
        ["git", "archive", FORMER, "echoic"],  # noqa: S607 - any git
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if archive.returncode != 0:
        pytest.skip(f"the repository's history does not reach back to {FORMER}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tmp_path / "former", filter="data")
    return tmp_path / "former"


def rows_of(url: str, item_id: int) -> dict[str, list[dict[str, Any]]]:
    """Every row that is of an item, as JSON, by tables."""
    found = {}
    with psycopg.connect(url) as connection:
        of_item = {"item_id": [item_id], "transcript_id": []}
        transcripts = connection.execute("SELECT id FROM transcripts WHERE item_id = %s", [item_id])
        of_item["transcript_id"] = [row[0] for row in transcripts]
        for column, ids in of_item.items():
            for (table,) in connection.execute(TABLES_OF_ITEMS, [column]).fetchall():
                statement = sql.SQL("SELECT to_jsonb(one) FROM {} AS one WHERE {} = ANY(%s)")
                rows = connection.execute(statement.format(sql.Identifier(table), sql.Identifier(column)), [ids])
                found[f"{table}.{column}"] = [row for (row,) in rows]
    return {table: rows for table, rows in found.items() if rows}


def with_columns_of(former: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with those columns alone that the former program knows, in one order."""
    return sorted(({name: row[name] for name in former[0]} for row in rows), key=json.dumps)


def published(client: httpx.Client, item_id: int) -> None:
    wait_for(lambda: item(client, item_id)["status"] == "published", "the item is published")


def found_by_words(client: httpx.Client, item_id: int) -> set[int]:
    """The items that a search for words of an item finds."""
    segments = client.get(f"/api/items/{item_id}/transcript").raise_for_status().json()["segments"]
    query = {"query": max(segments[0]["text"].split(), key=len), "search_type": "text", "limit": 100}
    return {hit["item_id"] for hit in client.post("/api/search", json=query).raise_for_status().json()["results"]}


def test_a_database_is_upgraded_while_the_former_worker_works(
    former_program: Path, empty_url: str, open_folder: Path
) -> None:
    settings = {"ECHOIC_DATABASE_URL": empty_url, **FAKES}
    with PrivateServer(open_folder, work_dir=str(former_program), PYTHONPATH=str(former_program), **settings) as former:
        first = upload(former.client, SHORT)
        published(former.client, first)
        before = rows_of(empty_url, first)
        with psycopg.connect(empty_url) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (FORMER_SCHEMA,)

        meanwhile = upload(former.client, SHORT)
        migrate.upgrade(empty_url)
        migrate.verify(empty_url)
        published(former.client, meanwhile)
        afterwards = upload(former.client, SHORT)  # which none but the former worker can do
        published(former.client, afterwards)
        by_former = {first, meanwhile, afterwards}
        assert found_by_words(former.client, afterwards) == by_former

        after = rows_of(empty_url, first)
        assert {table: with_columns_of(rows, after[table]) for table, rows in before.items()} == {
            table: with_columns_of(rows, rows) for table, rows in before.items()
        }
        assert {
            "transcripts.item_id",
            "segments.transcript_id",
            "entities.item_id",
            "search_entries.item_id",
        } <= before.keys()

        with PrivateServer(open_folder, **settings) as current:
            by_either = upload(former.client, SHORT)
            published(former.client, by_either)
            assert found_by_words(former.client, by_either) == by_former | {by_either}
            former.stop()
            last = upload(current.client, SHORT)
            published(current.client, last)
            assert found_by_words(current.client, first) == by_former | {by_either, last}
            current.client.delete(f"/api/items/{meanwhile}").raise_for_status()
    with psycopg.connect(empty_url) as connection:
        for kept, counted in connection.execute(COUNTS).fetchall():
            assert kept == counted > 0
        assert sum(row[2] for row in counts_of_items(connection)) == 4
        assert waiting_jobs(connection) == []
        assert connection.execute("SELECT DISTINCT state FROM pipeline_queue").fetchall() == [("succeeded",)]
    assert migrate.drift(empty_url) == []
