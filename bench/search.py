"""How fast and how well search answers, on a corpus made by a seed in an embedded PostgreSQL.

    python -m bench.search                                    1,000,000 segments, 200,000 vectors: about 15 minutes, 5 GB
    python -m bench.search --segments 50000 --vectors 10000   a minute
    python -m scripts.with_opensearch --measured python -m bench.search --engine opensearch
                                                              the same with searches for words in an OpenSearch

Times are of whole searches but for HTTP: reading the query, its statements, loading and highlighting 20 results; those by
meaning include the vector of the query by the real encoder. `cpu` is what one search computes here and in its database
process: on a busy machine the times say more about the machine. Overlap: how many of the ten results first shown are among
the first ten of a ranking of all matches.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import text

from bench.folders import kept_or_removed
from bench.search_corpus import (
    MODEL,
    READER,
    SEED,
    SMALL_READER,
    Vocabulary,
    build,
    cluster_centers,
    make_vocabulary,
    pairs,
)
from bench.search_opensearch import BenchmarkedCopy
from bench.search_quality import fill, measure
from echoic.db import migrate
from echoic.db.connect import Database
from echoic.db.search import index_write, lexical
from echoic.db.search.postgres import PostgresIndex
from echoic.db.transcripts import transcripts
from echoic.db.transcripts.transcripts import Transcript
from echoic.engines.registry import Engines
from echoic.postgres import EmbeddedPostgres
from echoic.records import EngineId, Segment, Transcription
from echoic.search.language import parse
from echoic.search.port import SearchIndex
from echoic.search.question import Filters, QueryEmbedding, Search, SearchType
from echoic.settings import Settings

REPEATS = 2
OVERLAP_CASES = 5
RANKED = ("common word", "phrase", "AND", "OR", "NOT", "prefix", "filtered: month", "small reader", "fuzzy")
"""The classes whose first ten are compared with an exact ranking; ranking every match of a stop word would take minutes."""
HOUR_SEGMENTS, SEGMENT_WORDS = 400, 25
"""An hour of speech has about 10,000 words."""
COMMON = ("common word", "stop word", "phrase", "AND", "OR", "NOT", "prefix", "filtered: speaker", "filtered: month")
"""The classes that the figure ``p95_common_ms`` is the worst of."""


@dataclass(frozen=True)
class Case:
    query: str
    account: int = READER
    filters: Filters = field(default_factory=Filters)
    cluster: int | None = None
    """Number of the cluster the query is near."""


@dataclass(frozen=True)
class Timing:
    p50: float
    p95: float
    cpu: float
    matches: float


def cases(vocabulary: Vocabulary) -> dict[str, list[Case]]:
    """Twenty searches of each class."""
    words = vocabulary.words
    common = words[103:123]
    months = [
        (datetime(2024, month, 1, tzinfo=UTC), datetime(2024, month + 1, 1, tzinfo=UTC)) for month in range(1, 11)
    ]
    by_month = [Filters(published_from=start, published_before=end) for start, end in months]
    rare = [word for word in words[1000:4000:71] if len(word) >= 6][:20]
    return {
        "common word": [Case(word) for word in common],
        "stop word": [Case(word) for word in words[:20]],
        "rare word": [Case(word) for word in words[20_000:20_020]],
        "phrase": [Case(f'"{first} {second}"') for first, second in pairs(vocabulary)[:20]],
        "AND": [Case(f"{first} AND {second}") for first, second in zip(common, words[140:160], strict=True)],
        "OR": [Case(f"{first} OR {second}") for first, second in zip(common, words[140:160], strict=True)],
        "NOT": [Case(f"{first} NOT {second}") for first, second in zip(common, words[140:160], strict=True)],
        "prefix": [Case(f"{word[:4]}*") for word in words[500:520]],
        "filtered: speaker": [
            Case(word, filters=Filters(speakers=(f"Speaker {n * 31}",))) for n, word in enumerate(common)
        ],
        "filtered: month": [Case(word, filters=by_month[n % 10]) for n, word in enumerate(common)],
        "small reader": [Case(word, account=SMALL_READER) for word in common],
        "fuzzy": [Case(_slip(word)) for word in rare],
        "semantic": [Case("", cluster=number) for number in range(20)],
        "hybrid": [Case(f"{word} {words[300 + n]}", cluster=n) for n, word in enumerate(common)],
        "hybrid, common word": [Case(word, cluster=n) for n, word in enumerate(common)],
        "hybrid, small reader": [Case(word, account=SMALL_READER, cluster=n) for n, word in enumerate(common)],
    }


def _slip(word: str) -> str:
    return word[:2] + word[3] + word[2] + word[4:] if word[2] != word[3] else word[:2] + word[3:]


class Searcher:
    """Carries out cases and measures them."""

    def __init__(self, index: SearchIndex, engines: Engines, backend: int) -> None:
        self._index = index
        self._engines = engines
        self._backend = backend
        self._centers = cluster_centers()

    async def run(self, case: Case, *, limit: int = 20) -> Any:
        embedding = None
        search_type: SearchType = "text"
        if case.cluster is not None:
            with self._engines.text_encoder.use() as encoder:
                encoder.encode(["a question of about eight words about something"], "query")
            vector = self._centers[case.cluster]
            embedding = QueryEmbedding(
                model=MODEL, vector=[float(value) for value in vector], floor=encoder.similarity_floor
            )
            search_type = "hybrid" if case.query else "semantic"
        return await self._index.find(
            Search(
                account_id=case.account,
                query=case.query,
                search_type=search_type,
                tree=parse(case.query),
                embedding=embedding,
                filters=case.filters,
                limit=limit,
            )
        )

    def _cpu_ms(self) -> float:
        fields = Path(f"/proc/{self._backend}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 10 + time.process_time() * 1000

    async def measure(self, wanted: Sequence[Case]) -> Timing:
        times, matches = [], []
        for case in wanted:
            await self.run(case)
        cpu = self._cpu_ms()
        for case in list(wanted) * REPEATS:
            started = time.perf_counter()
            found = await self.run(case)
            times.append((time.perf_counter() - started) * 1000)
            matches.append(found.total)
        return Timing(
            p50=float(np.percentile(times, 50)),
            p95=float(np.percentile(times, 95)),
            cpu=(self._cpu_ms() - cpu) / len(times),
            matches=float(np.mean(matches)),
        )

    async def overlap(self, wanted: Sequence[Case]) -> float:
        """The part of the first ten results that a ranking of all matches has among its first ten."""
        shares = []
        for case in wanted:
            shown = {hit.segment_id for hit in (await self.run(case, limit=10)).hits}
            bound, lexical.MAX_MATCHES = lexical.MAX_MATCHES, 10**9
            try:
                exact = {hit.segment_id for hit in (await self.run(case, limit=10)).hits}
            finally:
                lexical.MAX_MATCHES = bound
            shares.append(len(shown & exact) / max(1, len(exact)))
        return float(np.mean(shares))


async def index_an_hour(database: Database, vocabulary: Vocabulary) -> float:
    """Seconds to index a transcript of an hour, with its commit; it is removed again."""
    generator = np.random.default_rng(SEED + 3)
    spoken = generator.choice(len(vocabulary.words), size=(HOUR_SEGMENTS, SEGMENT_WORDS), p=vocabulary.probabilities)
    segments = tuple(
        Segment(start=9.0 * place, end=9.0 * place + 9, text=" ".join(vocabulary.words[rank] for rank in ranks))
        for place, ranks in enumerate(spoken)
    )
    async with database.transaction() as session:
        await session.execute(text("SELECT setval(pg_get_serial_sequence('transcripts', 'id'), 1000000000)"))
        await session.execute(text("SELECT setval(pg_get_serial_sequence('segments', 'id'), 1000000000)"))
        await session.execute(text("INSERT INTO pipeline_queue (id, item_id, stage) VALUES (1000000000, 1, 'index')"))
        transcript = await transcripts.create_transcript(
            session,
            item_id=1,
            run_id=1_000_000_000,
            transcription=Transcription(segments=segments, language="en", language_probability=1),
            engine=EngineId(name="bench", model="bench", version="1"),
        )
    started = time.perf_counter()
    async with database.transaction() as session:
        await index_write.index_transcript(session, transcript_id=transcript.id)
    seconds = time.perf_counter() - started
    async with database.transaction() as session:
        await session.delete(await session.get_one(Transcript, transcript.id))
        await session.execute(text("DELETE FROM pipeline_queue WHERE id = 1000000000"))
    return seconds


def sizes(url: str) -> str:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname, pg_table_size(oid) / 1e6 FROM pg_class WHERE relname IN ('search_entries', "
            "'ix_search_entries_vector', 'segments', 'segment_embeddings', 'ix_segment_embeddings_vector') ORDER BY 1"
        ).fetchall()
    return ", ".join(f"{name} {size:.0f} MB" for name, size in rows)


async def run(
    url: str, settings: Settings, vocabulary: Vocabulary, opensearch_url: str | None, *, words_only: bool
) -> str:
    engines = Engines(settings)
    database = Database(url, pool_size=1)
    async with database.transaction() as session:
        backend = int(await session.scalar(text("SELECT pg_backend_pid()")) or 0)
    copy = BenchmarkedCopy.at(opensearch_url, database, words_only=words_only) if opensearch_url else None
    if copy is not None:
        print(f"OpenSearch: {await copy.fill()}")
    searcher = Searcher(copy.index() if copy else PostgresIndex(database), engines, backend)
    timings = {}
    print(f"{'class':22}{'p50 ms':>9}{'p95 ms':>9}{'cpu ms':>9}{'matches':>9}{'overlap':>9}")
    overlaps = {}
    for name, wanted in cases(vocabulary).items():
        timings[name] = timing = await searcher.measure(wanted)
        shown = ""
        if name in RANKED:
            overlaps[name] = await searcher.overlap(wanted[:OVERLAP_CASES])
            shown = f"{overlaps[name]:9.3f}"
        print(f"{name:22}{timing.p50:9.1f}{timing.p95:9.1f}{timing.cpu:9.1f}{timing.matches:9.0f}{shown}", flush=True)
    hour = await index_an_hour(database, vocabulary)
    print(f"\nindexing a transcript of one hour: {hour:.2f} s\nsizes: {sizes(url)}")
    if copy is not None:
        print(f"OpenSearch: {copy.sizes()}")
        await copy.close()
    await database.close()
    recall = await quality(url, engines)
    engines.close()
    hybrid = max(timings[name].p95 for name in timings if name.startswith("hybrid"))
    return (
        f"p95_common_ms={max(timings[name].p95 for name in COMMON):.1f} p95_fuzzy_ms={timings['fuzzy'].p95:.1f} "
        f"p95_hybrid_ms={hybrid:.1f} top10_overlap={min(overlaps.values()):.3f} recall10_hybrid={recall:.3f} "
        f"index_hour_s={hour:.2f}"
    )


async def quality(url: str, engines: Engines) -> float:
    """Prints how well search ranks; returns the recall of hybrid search."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS quality")
        connection.execute("CREATE DATABASE quality")
    other = url.replace("/echoic?", "/quality?", 1)
    await asyncio.to_thread(migrate.upgrade, other)
    database = Database(other, pool_size=2)
    with engines.text_encoder.use() as encoder:
        caller = await fill(database, encoder)
    found = await measure(database, engines.text_encoder, caller)
    await database.close()
    print(f"\n{'recall@10 (MRR)':18}" + "".join(f"{kind:>18}" for kind in found["hybrid"]))
    for search_type, kinds in found.items():
        shown = "".join(f"{f'{value.recall:.3f} ({value.reciprocal_rank:.3f})':>18}" for value in kinds.values())
        print(f"{search_type:18}{shown}")
    recall: float = found["hybrid"]["all"].recall
    return recall


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--segments", type=int, default=1_000_000)
    options.add_argument("--vectors", type=int, default=200_000)
    options.add_argument("--folder", type=Path, help="Keep the database here, or use the one that is there.")
    options.add_argument("--engine", choices=("postgres", "opensearch"), default="postgres")
    options.add_argument("--words-only", action="store_true", help="Copy no vectors to OpenSearch.")
    chosen = options.parse_args()
    opensearch_url = os.environ.get("TESTS_OPENSEARCH_URL") if chosen.engine == "opensearch" else None
    if chosen.engine == "opensearch" and opensearch_url is None:
        options.error("run it by scripts.with_opensearch, or set TESTS_OPENSEARCH_URL")
    with kept_or_removed(chosen.folder, "search") as folder:
        known = (folder / "built").exists()
        settings = Settings(_env_file=None, data_dir=folder / "data")
        with EmbeddedPostgres(settings) as server:
            vocabulary = prepare(server.owner_url, chosen, known=known)
            (folder / "built").touch()
            last = asyncio.run(
                run(server.owner_url, settings, vocabulary, opensearch_url, words_only=chosen.words_only)
            )
    print(last)


def prepare(url: str, chosen: argparse.Namespace, *, known: bool) -> Vocabulary:
    migrate.upgrade(url)
    if known:
        with psycopg.connect(url) as connection:
            return make_vocabulary(connection, np.random.default_rng(SEED))
    started = time.perf_counter()
    vocabulary = build(url, segments=chosen.segments, vectors=chosen.vectors)
    print(f"{chosen.segments} segments, {chosen.vectors} vectors in {time.perf_counter() - started:.0f} s\n")
    return vocabulary


if __name__ == "__main__":
    main()
