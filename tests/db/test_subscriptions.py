"""Subscribers of a database in which subscribing made a viewer, and so a member."""

from collections.abc import Callable

import psycopg

from echoic.db import migrate

BEFORE = "0019"

ROWS = """
    INSERT INTO accounts (name, plan) VALUES ('Anna', 'unlimited'), ('Ben', 'unlimited'), ('Cleo', 'unlimited');
    INSERT INTO libraries (slug, name, owner_account_id, visibility) VALUES ('a', 'A', 1, 'public'), ('b', 'B', 1, 'private');
    INSERT INTO library_members (library_id, account_id, role)
        VALUES (1, 1, 'owner'), (1, 2, 'viewer'), (1, 3, 'editor'), (2, 1, 'owner'), (2, 2, 'viewer');
"""


def test_viewers_of_public_libraries_alone_become_subscribers(database_at: Callable[[str], str]) -> None:
    url = database_at(BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ROWS)
        migrate.upgrade(url)
        members = connection.execute(
            "SELECT library_id, account_id, role FROM library_members ORDER BY 1, 2"
        ).fetchall()
        followers = connection.execute("SELECT library_id, account_id FROM library_subscriptions").fetchall()
    assert members == [(1, 1, "owner"), (1, 3, "editor"), (2, 1, "owner"), (2, 2, "viewer")]
    assert followers == [(1, 2)]
