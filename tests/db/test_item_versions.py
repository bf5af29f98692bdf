"""Versions of a database whose items were transcribed several times before versions went through all transcripts."""

from collections.abc import Callable

import psycopg

from echoic.db import migrate

BEFORE = "0014"

ROWS = """
    INSERT INTO accounts (name, plan) VALUES ('Anna', 'unlimited');
    INSERT INTO libraries (slug, name, owner_account_id) VALUES ('a', 'A', 1);
    INSERT INTO datasets (library_id, name) VALUES (1, 'A');
    INSERT INTO blobs (key, size_bytes, sha256) VALUES ('k', 1, '0');
    INSERT INTO items (dataset_id, title, status, audio_blob_id) VALUES (1, 'Talk', 'published', 1);
    INSERT INTO pipeline_queue (item_id, stage, state)
        SELECT 1, 'publish', state FROM unnest(ARRAY['succeeded', 'failed', 'succeeded', 'succeeded']) AS state;
    INSERT INTO transcripts (item_id, run_id, engine_name, engine_model, engine_version, version)
        VALUES (1, 1, 'e', 'm', '1', 2), (1, 2, 'e', 'm', '1', 0), (1, 3, 'e', 'm', '1', 0), (1, 4, 'e', 'm', '1', 3);
    UPDATE items SET transcript_id = 4;
    INSERT INTO transcript_edits (transcript_id, version, account_id, restores)
        VALUES (1, 1, 1, NULL), (1, 2, 1, 0), (4, 1, 1, NULL), (4, 2, 1, NULL), (4, 3, 1, 0);
"""


def test_versions_of_later_transcripts_are_numbered_on_and_what_never_was_published_is_left_out(
    database_at: Callable[[str], str],
) -> None:
    old_url = database_at(BEFORE)
    with psycopg.connect(old_url, autocommit=True) as connection:
        connection.execute(ROWS)
        migrate.upgrade(old_url)
        versions = connection.execute("SELECT id, version FROM transcripts ORDER BY id").fetchall()
        edits = connection.execute(
            "SELECT transcript_id, version, kind, restores, account_id FROM transcript_edits ORDER BY version"
        ).fetchall()
    assert versions == [(1, 2), (2, 0), (3, 3), (4, 7)]
    assert edits == [
        (1, 1, "correction", None, 1),
        (1, 2, "correction", 0, 1),
        (3, 3, "transcription", None, None),
        (4, 4, "transcription", None, None),
        (4, 5, "correction", None, 1),
        (4, 6, "correction", None, 1),
        (4, 7, "correction", 4, 1),
    ]
