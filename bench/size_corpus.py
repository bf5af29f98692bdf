"""An installation for the benchmark of sizes, filled by statements of SQL: items, transcripts, entries, finished runs, a queue.

What is said is cut from passages made once by ``bench.search_corpus``: each item has one of 1,000, the items of a passage differ in
their speakers, and in the marks of their entries. A tenth of the items is in one dataset, the others evenly in two datasets of each
library. One account owns each library. Segments have no words with times and no vectors: those take the most bytes and no
part in what is measured.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psycopg
from sqlalchemy import text

from bench.search_corpus import SEED, SPEAKERS, Vocabulary, copy_rows, copy_words, make_vocabulary, segment_texts
from echoic.db.connect import Database
from echoic.db.search import index_write
from echoic.db.search.index import SCHEMA_VERSION
from echoic.db.search.lexemes import BLOCK, BLOCK_BITS, DATASET, ITEM, SPEAKER, entry_vector
from echoic.stages import STAGES
from echoic.text.words import words

FIRST = 1_000
"""Ids of accounts, libraries and datasets of the corpus are above; those of the first start are below."""
PASSAGES = 1_000
TITLE_WORDS = 5
READER_LIBRARIES = 5
READER = 999
"""An account that reads a few libraries, so many at every size."""
BATCH_SEGMENTS = 200_000
YEARS_SECONDS = 94_608_000.0
"""Three years, over which the items came."""
HEAVY = ("segments", "search_entries", "stage_results", "run_events")
"""Tables whose indexes are made after they are filled."""
KEPT = """
    INSERT INTO item_counts (dataset_id, status, items)
    SELECT dataset_id, status, count(*) FROM items GROUP BY dataset_id, status;
    INSERT INTO waiting_jobs (job_id, account_id, priority, queue_name, stage)
    SELECT job.id, account_id, priority, queue_name, args ->> 'stage'
    FROM procrastinate_jobs AS job JOIN minute_reservations ON run_id = (args ->> 'run_id')::bigint;
    INSERT INTO waiting_counts (account_id, priority, queue_name, stage, jobs)
    SELECT account_id, priority, queue_name, stage, count(*) FROM waiting_jobs GROUP BY 1, 2, 3, 4
"""
"""What triggers would have kept."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much there is of everything."""

    segments: int
    items: int
    libraries: int
    queued: int

    @property
    def segments_an_item(self) -> int:
        """The length of each transcript."""
        return self.segments // self.items

    def hundredth(self) -> "Sizes":
        """Return the installation that this one is compared with."""
        return Sizes(
            segments=self.segments // 100,
            items=self.items // 100,
            libraries=max(READER_LIBRARIES + 1, self.libraries // 100),
            queued=max(1, self.queued // 100),
        )

    def __str__(self) -> str:
        return f"{self.segments:,} segments in {self.items:,} items of {self.libraries:,} libraries, {self.queued:,} queued"


def fill(url: str, sizes: Sizes, admin: int) -> None:
    """Fill an installation that was started once; ``admin`` is its first account, which comes to read everything."""
    generator = np.random.default_rng(SEED)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '2GB'")
        connection.execute("SET synchronous_commit = off")
        vocabulary = make_vocabulary(connection, generator)
        _make_passages(connection, vocabulary, generator, sizes)
        _make_people(connection, sizes, admin)
        _make_items(connection, sizes)
        _make_queue(connection, sizes)
        connection.execute(KEPT)
        indexes = _drop_indexes(connection)
        _make_runs(connection, sizes)
        _make_segments(connection, sizes)
        copy_words(connection, vocabulary)
        connection.execute("INSERT INTO search_dictionaries VALUES ('english_stem') ON CONFLICT DO NOTHING")
        for definition in indexes:
            started = time.perf_counter()
            connection.execute(definition.encode())
            print(f"  {time.perf_counter() - started:6.0f} s  {definition.split(' ON ')[0]}", flush=True)
        connection.execute("DROP TABLE bench_passages, bench_titles")
        _set_sequences(connection)
        connection.execute("VACUUM ANALYZE")


def _make_passages(
    connection: psycopg.Connection, vocabulary: Vocabulary, generator: np.random.Generator, sizes: Sizes
) -> None:
    length = sizes.segments_an_item
    said = list(segment_texts(vocabulary, generator, PASSAGES * length))

    def entries() -> Iterator[tuple[object, ...]]:
        for number, own in enumerate(said):
            is_last = number % length == length - 1
            following = [] if is_last else said[number + 1]
            yield number // length, number % length, " ".join(own), entry_vector(own, following, vocabulary.stems, ())

    def titles() -> Iterator[tuple[object, ...]]:
        for passage in range(PASSAGES):
            title = " ".join(said[passage * length][:TITLE_WORDS])
            yield passage, title, entry_vector(words(title), (), vocabulary.stems, ())

    connection.execute("CREATE UNLOGGED TABLE bench_passages (passage int, position int, said text, vector tsvector)")
    connection.execute("CREATE UNLOGGED TABLE bench_titles (passage int PRIMARY KEY, title text, vector tsvector)")
    copy_rows(connection, "bench_passages", "passage, position, said, vector", entries())
    copy_rows(connection, "bench_titles", "passage, title, vector", titles())
    connection.execute("CREATE INDEX ON bench_passages (passage, position)")
    connection.execute("ANALYZE bench_passages, bench_titles")


def _make_people(connection: psycopg.Connection, sizes: Sizes, admin: int) -> None:
    owners = range(FIRST + 1, FIRST + sizes.libraries + 1)
    accounts = ((number, f"Account {number}", "unlimited") for number in (READER, *owners))
    copy_rows(connection, "accounts", "id, name, plan", accounts)
    libraries = ((number, f"library-{number}", f"Library {number}", number) for number in owners)
    copy_rows(connection, "libraries", "id, slug, name, owner_account_id", libraries)
    members = [(number, number, "owner") for number in owners]
    members += [(number, admin, "editor") for number in owners]
    # The first library has the dataset that grows with the installation.
    members += [(number, READER, "viewer") for number in owners[1 : READER_LIBRARIES + 1]]
    copy_rows(connection, "library_members", "library_id, account_id, role", iter(members))
    datasets = (
        (FIRST + 1 + place, FIRST + 1 + place % sizes.libraries, f"Dataset {place}")
        for place in range(2 * sizes.libraries)
    )
    copy_rows(connection, "datasets", "id, library_id, name", datasets)


def _dataset(sizes: Sizes, item: str) -> str:
    """A tenth of the items in the first dataset, the others in turns; SQL."""
    return f"CASE WHEN {item} % 10 = 0 THEN {FIRST + 1} ELSE {FIRST + 2} + {item} % {2 * sizes.libraries - 1} END"


def _run(connection: psycopg.Connection, sizes: Sizes, *statements: str, **parts: object) -> None:
    """Carry out statements in which the names in braces stand for parts of SQL; ``i`` is the number of an item."""
    known = {
        "items": sizes.items,
        "every": sizes.items + sizes.queued,
        "length": sizes.segments_an_item,
        "first": sizes.items + 1,
        "dataset": _dataset(sizes, "i"),
        "title": f"JOIN bench_titles ON passage = i % {PASSAGES}",
    }
    for statement in statements:
        connection.execute(statement.format(**known | parts).encode())


def _make_items(connection: psycopg.Connection, sizes: Sizes) -> None:
    _run(
        connection,
        sizes,
        """INSERT INTO blobs (id, key, size_bytes, sha256, account_id)
           SELECT i, lpad(to_hex(i), 32, '0'), 9000000 + i % 977 * 1000, encode(sha256(i::text::bytea), 'hex'),
               {begin} + (({dataset}) - {begin}) % {libraries}
           FROM generate_series(1, {every}) AS i""",
        """INSERT INTO items (id, dataset_id, title, status, audio_blob_id, transcript_id, language, duration_seconds,
               created_at, published_at)
           SELECT i, {dataset}, title, 'published', i, i, 'en', {length} * 10.0, now() - {age}, now() - {age}
           FROM generate_series(1, {items}) AS i {title}""",
        """INSERT INTO items (id, dataset_id, title, status, audio_blob_id, created_at)
           SELECT i, {dataset}, title, 'queued', i, now() - interval '1 second' * ({every} - i)
           FROM generate_series({first}, {every}) AS i {title}""",
        """INSERT INTO transcripts (id, item_id, run_id, language, engine_name, engine_model, engine_version)
           SELECT i, i, i, 'en', 'bench', 'bench', '1' FROM generate_series(1, {items}) AS i""",
        begin=FIRST + 1,
        libraries=sizes.libraries,
        age=f"interval '1 second' * ({sizes.queued} + {YEARS_SECONDS} * ({sizes.items} - i) / {sizes.items})",
    )


def _make_queue(connection: psycopg.Connection, sizes: Sizes) -> None:
    """A fifth of those that wait is one account's; of each fifty one is past its decoding."""
    _run(
        connection,
        sizes,
        """INSERT INTO blobs (id, key, size_bytes, sha256)
           SELECT {every} + i, lpad(to_hex({every} + i), 32, '0'), 32000000, repeat('0', 64) FROM {waiting} WHERE {decoded}""",
        """UPDATE items AS item SET decoded_blob_id = {every} + i, status = 'processing'
           FROM {waiting} WHERE item.id = i AND {decoded}""",
        """INSERT INTO pipeline_queue (id, item_id, state, stage, job_id)
           SELECT i, i, CASE WHEN {decoded} THEN 'running' ELSE 'queued' END, {stage}, i FROM {waiting}""",
        """INSERT INTO minute_reservations (run_id, account_id, month, seconds)
           SELECT i, {begin} + CASE WHEN i % 5 = 0 THEN 0 ELSE i % {libraries} END, date_trunc('month', now()), 1000
           FROM {waiting}""",
        """INSERT INTO procrastinate_jobs (id, queue_name, task_name, priority, args)
           SELECT i, CASE WHEN {decoded} THEN 'gpu' ELSE 'cpu' END, 'echoic.stage', 100,
               jsonb_build_object('run_id', i, 'stage', {stage})
           FROM {waiting}""",
        "INSERT INTO queue_turns SELECT {begin} + i - 1, i FROM generate_series(1, {libraries}) AS i",
        begin=FIRST + 1,
        libraries=sizes.libraries,
        waiting=f"generate_series({sizes.items + 1}, {sizes.items + sizes.queued}) AS i",
        decoded="i % 50 = 0",
        stage="CASE WHEN i % 50 = 0 THEN 'transcribe' ELSE 'decode' END",
    )


def _make_runs(connection: psycopg.Connection, sizes: Sizes) -> None:
    """The finished runs of all published items, with the results and events of their stages."""
    names = ", ".join(f"'{stage.name}'" for stage in STAGES)
    _run(
        connection,
        sizes,
        """INSERT INTO pipeline_queue (id, item_id, state, stage, job_id, finished_at)
           SELECT i, i, 'succeeded', 'publish', i, now() FROM generate_series(1, {items}) AS i""",
        """INSERT INTO stage_results (run_id, stage, version, output, attempt, seconds, audio_seconds)
           SELECT i, stage, 1, '{{"bench": true}}', 1, 3.5, 1000 FROM generate_series(1, {items}) AS i, {stages}""",
        """INSERT INTO run_events (run_id, stage, event, attempt, worker)
           SELECT i, stage, event, 1, 'host:4711'
           FROM generate_series(1, {items}) AS i, {stages}, unnest(ARRAY['claimed', 'done']) AS event""",
        """INSERT INTO stage_totals (stage, code, count, seconds, audio_seconds)
           SELECT stage, '', {items}, {items} * 3.5, {items} * 1000.0 FROM {stages}""",
        stages=f"unnest(ARRAY[{names}]) AS stage",
    )


def _make_segments(connection: psycopg.Connection, sizes: Sizes) -> None:
    step = max(1, BATCH_SEGMENTS // sizes.segments_an_item)
    started = time.perf_counter()
    blocks = ", ".join(f"'{BLOCK.format(bits=bits, number='')}' || (i >> {bits})" for bits in BLOCK_BITS)
    for begin in range(1, sizes.items + 1, step):
        these = f"generate_series({begin}, {min(sizes.items, begin + step - 1)}) AS i"
        _run(
            connection,
            sizes,
            """INSERT INTO segments (id, transcript_id, position, start_seconds, end_seconds, text, speaker, confidence, words)
               SELECT {segment}, i, position, position * 10.0, position * 10 + 9.0, said, {speaker},
                   0.5 + (position % 50) / 100.0, '[]'
               FROM {said}""",
            """INSERT INTO search_entries (item_id, transcript_id, segment_id, position, schema_version, vector)
               SELECT i, i, {segment}, position, {version},
                   vector || array_to_tsvector(ARRAY[{marks}, '{mark}' || lower({speaker})])
               FROM {said}""",
            """INSERT INTO search_entries (item_id, position, schema_version, vector)
               SELECT i, -1, {version}, vector || array_to_tsvector(ARRAY[{marks}]) FROM {these} {title}""",
            these=these,
            said=f"{these} JOIN bench_passages ON passage = i % {PASSAGES} ORDER BY i, position",
            segment=f"(i - 1)::bigint * {sizes.segments_an_item} + position + 1",
            speaker=f"'Speaker ' || (i * 31 + position % 4) % {SPEAKERS}",
            marks=f"'{DATASET}' || ({_dataset(sizes, 'i')}), '{ITEM}' || i, {blocks}",
            mark=SPEAKER,
            version=SCHEMA_VERSION,
        )
    print(f"  {time.perf_counter() - started:6.0f} s  segments and entries", flush=True)


def _drop_indexes(connection: psycopg.Connection) -> list[str]:
    """Drop what no constraint needs of the indexes of the large tables, and return how they are made again."""
    rows = connection.execute(
        """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
           WHERE indrelid = ANY (%s::regclass[])
             AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)""",
        (list(HEAVY),),
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}".encode())
    return [definition for _, definition in rows]


def _set_sequences(connection: psycopg.Connection) -> None:
    """Let new rows follow those of the corpus."""
    rows = connection.execute(
        """SELECT format('SELECT setval(%L, (SELECT max(id) FROM %I))', pg_get_serial_sequence(relname, 'id'), relname)
           FROM pg_class
           WHERE relname IN ('accounts', 'libraries', 'datasets', 'blobs', 'items', 'transcripts', 'segments',
               'search_entries', 'pipeline_queue', 'procrastinate_jobs')"""
    ).fetchall()
    for (statement,) in rows:
        connection.execute(statement.encode())


def check_entries(url: str, sizes: Sizes) -> None:
    """Raise SystemExit where entries of three items are not those that the index stage makes of the same segments."""
    asyncio.run(_check_entries(url, (1, sizes.items // 2, sizes.items)))


async def _check_entries(url: str, items: tuple[int, ...]) -> None:
    database = Database(url, pool_size=1)
    entries = text("SELECT position, vector::text FROM search_entries WHERE item_id = :item ORDER BY position")
    for item in items:
        async with database.transaction() as session:
            made = (await session.execute(entries, {"item": item})).all()
            await index_write.index_transcript(session, transcript_id=item)
            real = (await session.execute(entries, {"item": item})).all()
            await session.rollback()
        if not made or [tuple(row) for row in made] != [tuple(row) for row in real]:
            raise SystemExit(f"the entries of item {item} are not those that the index stage makes")
    await database.close()
