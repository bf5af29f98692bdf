"""Kept counts of items: whatever changes items keeps them right, and folding them changes no sum."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest

from echoic.db import migrate
from echoic.db.connect import Database
from echoic.db.items.counts import fold_counts
from tests.kept import counts_of_items as kept

BEFORE = "0065"
SERVERS = 4
FRAME = """
    INSERT INTO accounts (id, name) VALUES (1, 'Account');
    INSERT INTO libraries (id, slug, name, owner_account_id) VALUES (1, 'one', 'One', 1), (2, 'two', 'Two', 1);
    INSERT INTO datasets (id, library_id, name) VALUES (1, 1, 'First'), (2, 1, 'Second'), (3, 2, 'Third');
    INSERT INTO blobs (id, key, size_bytes, sha256) SELECT i, i::text, 1, '0' FROM generate_series(1, 30) AS i
"""
UPLOADED = """
    INSERT INTO items (id, dataset_id, title, status, audio_blob_id)
    SELECT i, 1 + i % 3, 'Title', 'queued', i FROM generate_series({first}, {last}) AS i
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        opened.execute(FRAME)
        yield opened


@pytest.fixture
async def servers(database_url: str) -> AsyncIterator[list[Database]]:
    opened = [Database(database_url, pool_size=2) for _ in range(SERVERS)]
    yield opened
    for each in opened:
        await each.close()


def upload(connection: psycopg.Connection, first: int, last: int) -> None:
    connection.execute(UPLOADED.format(first=first, last=last).encode())


def test_every_change_of_items_is_counted(connection: psycopg.Connection) -> None:
    upload(connection, 1, 9)
    assert kept(connection) == [(1, "queued", 3), (2, "queued", 3), (3, "queued", 3)]
    connection.execute("UPDATE items SET status = 'published' WHERE id <= 3")
    connection.execute("UPDATE items SET status = 'failed', title = 'Other' WHERE id = 4")
    assert kept(connection)[:2] == [(1, "published", 1), (1, "queued", 2)]
    connection.execute("UPDATE items SET title = 'Another', status = status")
    connection.execute("UPDATE items SET dataset_id = 3 WHERE dataset_id = 1")
    assert kept(connection)[-2:] == [(3, "published", 2), (3, "queued", 4)]
    connection.execute("DELETE FROM items WHERE status = 'published'")
    assert kept(connection) == [(2, "failed", 1), (2, "queued", 1), (3, "queued", 4)]
    connection.execute("DELETE FROM datasets WHERE id = 3")
    connection.execute("DELETE FROM libraries WHERE id = 1")
    assert kept(connection) == []


def test_a_change_counts_when_it_is_committed_and_not_before(connection: psycopg.Connection, database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        upload(other, 1, 3)
        assert kept(connection) == []
        other.rollback()
        upload(other, 1, 2)
        upload(connection, 3, 3)  # neither waits for the other
        assert kept(connection) == [(1, "queued", 1)]
    assert kept(connection) == [(1, "queued", 1), (2, "queued", 1), (3, "queued", 1)]


async def test_folding_leaves_one_row_of_each_dataset_and_status_and_every_sum(
    connection: psycopg.Connection, servers: list[Database]
) -> None:
    for item_id in range(1, 31):
        upload(connection, item_id, item_id)
        connection.execute("UPDATE items SET status = 'published' WHERE id = %s", [item_id])
    connection.execute("DELETE FROM datasets WHERE id = 3")
    before = kept(connection)
    await asyncio.gather(*(fold_counts(each) for each in servers))
    assert kept(connection) == before == [(1, "published", 10), (2, "published", 10)]
    await fold_counts(servers[0])  # what several left of it
    assert connection.execute("SELECT count(*) FROM item_counts").fetchone() == (len(before),)


async def test_folding_waits_for_nobody_and_leaves_what_is_not_committed(
    connection: psycopg.Connection, servers: list[Database], database_url: str
) -> None:
    upload(connection, 1, 3)
    upload(connection, 4, 6)
    with psycopg.connect(database_url) as other:
        upload(other, 7, 9)
        await fold_counts(servers[0])
        assert kept(connection) == [(1, "queued", 2), (2, "queued", 2), (3, "queued", 2)]
    assert kept(connection) == [(1, "queued", 3), (2, "queued", 3), (3, "queued", 3)]


def test_items_from_before_the_counts_are_counted_and_so_is_what_follows(database_at: Callable[[str], str]) -> None:
    url = database_at(BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FRAME)
        upload(connection, 1, 9)
        connection.execute("UPDATE items SET status = 'published' WHERE id = 3")
        migrate.upgrade(url)
        assert kept(connection) == [(1, "published", 1), (1, "queued", 2), (2, "queued", 3), (3, "queued", 3)]
        upload(connection, 10, 10)
        assert kept(connection)[2:] == [(2, "queued", 4), (3, "queued", 3)]
