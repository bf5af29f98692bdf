"""How fast names over all recordings are answered, on a corpus made by a seed in an embedded PostgreSQL.

    python -m bench.entities_index                                      100,000 names, 5,000,000 mentions: 15 minutes, 6 GB
    python -m bench.entities_index --subjects 5000 --mentions 200000    a minute

Times are of whole answers but for HTTP: rights, statements and loading. `cpu` is what one answer computes here and in its
database process: on a busy machine the times say more about the machine. Each kind of answer is asked about the most named
subjects and about those that are named once, since its cost must not grow with the mentions.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bench.entities_corpus import READER, SMALL_READER, build, is_as_triggers_count
from bench.folders import kept_or_removed
from echoic.access import Caller
from echoic.db import migrate
from echoic.db.connect import Database
from echoic.db.subjects import found, pairs
from echoic.db.subjects.trending import Kind
from echoic.db.transcripts import entity_neighbors
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.postgres import EmbeddedPostgres
from echoic.reading import trending
from echoic.reading.entities import readable_subject
from echoic.settings import Settings

REPEATS = 3
SAMPLE = (500, 20_000)
"""Subjects and mentions of the small corpus whose counts are compared with those of the triggers."""
AIM_MS = 50.0

Ask = Callable[[AsyncSession], Awaitable[Any]]


def caller(account: int) -> Caller:
    return Caller(account_id=account, key_id=account, plan="unlimited", scopes=frozenset({"read"}))


async def listed(
    session: AsyncSession, filters: EntityFilters, *, account: int = READER, limit: int = 20, offset: int = 0
) -> None:
    await found.find_subjects(session, account_id=account, filters=filters, limit=limit, offset=offset)


async def in_full(session: AsyncSession, subject_id: int, *, offset: int = 0) -> None:
    subject, readable = await readable_subject(session, subject_id, EntityFilters(), caller(READER))
    await found.find_times(session, subject.id, readable)
    await found.find_mentions(session, [subject.id], readable, limit=20, offset=offset)
    await pairs.find_neighbors(session, [subject.id], readable, limit=20)


async def graph(session: AsyncSession, subject_id: int, *, depth: int) -> None:
    middle, readable = await readable_subject(session, subject_id, EntityFilters(), caller(READER))
    await pairs.find_graph(session, middle, readable, depth=depth, limit=10)


async def near(session: AsyncSession, subject_id: int) -> None:
    subject, readable = await readable_subject(session, subject_id, EntityFilters(), caller(READER))
    await entity_neighbors.find_neighbors(session, [subject.id], readable, limit=20, offset=0)


async def rising(session: AsyncSession, days: int, kind: Kind = "entities", **filters: Any) -> None:
    await trending.find_trends(session, EntityFilters(**filters), caller(READER), kind=kind, days=days, limit=20)


def cases(subjects: int, most: list[int], rare: list[int]) -> dict[str, list[Ask]]:
    """Ten questions of each class; the word before the colon is the kind of answer."""
    middle = [subjects // 100 + n for n in range(10)]
    kinds = ("person", "organization", "place", "product")
    return {
        "list: all": [partial(listed, filters=EntityFilters(), offset=20 * n) for n in range(10)],
        "list: of a type": [partial(listed, filters=EntityFilters(type=kinds[n % 4])) for n in range(10)],
        "list: of a library": [partial(listed, filters=EntityFilters(library=f"library-{n + 1}")) for n in range(10)],
        "list: of a dataset": [partial(listed, filters=EntityFilters(dataset=n + 1)) for n in range(10)],
        "list: small reader": [partial(listed, filters=EntityFilters(), account=SMALL_READER)] * 10,
        "list: a whole name": [partial(listed, filters=EntityFilters(query=f" {number}")) for number in middle],
        "list: a part": [partial(listed, filters=EntityFilters(query=part)) for part in PARTS],
        "list: two letters": [partial(listed, filters=EntityFilters(query=part[:2])) for part in PARTS],
        "detail: most named": [partial(in_full, subject_id=one) for one in most],
        "detail: most named, page 100": [partial(in_full, subject_id=one, offset=2_000) for one in most],
        "detail: middle": [partial(in_full, subject_id=one) for one in middle],
        "detail: named once": [partial(in_full, subject_id=one) for one in rare],
        "graph: most named": [partial(graph, subject_id=one, depth=1) for one in most],
        "graph: most named, two steps": [partial(graph, subject_id=one, depth=2) for one in most],
        "graph: named once, two steps": [partial(graph, subject_id=one, depth=2) for one in rare],
        "neighbors: most named": [partial(near, subject_id=one) for one in most],
        "neighbors: named once": [partial(near, subject_id=one) for one in rare],
        "trending: 7 days": [partial(rising, days=7)] * 10,
        "trending: 30 days": [partial(rising, days=30)] * 10,
        "trending: 90 days, of a type": [partial(rising, days=90, type=kinds[n % 4]) for n in range(10)],
        "trending: of a library": [partial(rising, days=30, library=f"library-{n + 1}") for n in range(10)],
        "trending: words, 7 days": [partial(rising, days=7, kind="words")] * 10,
        "trending: words, 30 days": [partial(rising, days=30, kind="words")] * 10,
    }


PARTS = ("bakberg", "corcourt", "dalham", "quinton", "stenlow", "emil halford", "gita r", "ines kin", "ada p", "ugo ma")


class Asker:
    """Asks and measures, by one connection."""

    def __init__(self, database: Database, backend: int) -> None:
        self._database = database
        self._backend = backend

    def _cpu_ms(self) -> float:
        fields = Path(f"/proc/{self._backend}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 10 + time.process_time() * 1000

    async def measure(self, asks: list[Ask]) -> list[float]:
        """Times in milliseconds, the last one the mean of what was computed."""
        times = []
        for ask in asks:
            async with self._database.snapshot() as session:
                await ask(session)
        cpu = self._cpu_ms()
        for ask in asks * REPEATS:
            started = time.perf_counter()
            async with self._database.snapshot() as session:
                await ask(session)
            times.append((time.perf_counter() - started) * 1000)
        return [*times, (self._cpu_ms() - cpu) / len(times)]


async def run(url: str, subjects: int) -> str:
    with psycopg.connect(url) as connection:
        by_mentions = (
            "SELECT subject_id FROM subject_counts JOIN datasets ON datasets.id = dataset_id "
            "JOIN library_members USING (library_id) WHERE account_id = {reader} "
            "GROUP BY 1 ORDER BY sum(mentions) {way}, 1 LIMIT 10"
        )
        most, rare = (
            [row[0] for row in connection.execute(by_mentions.format(reader=READER, way=way).encode())]
            for way in ("DESC", "ASC")
        )
    database = Database(url, pool_size=1)
    async with database.transaction() as session:
        backend = int(await session.scalar(text("SELECT pg_backend_pid()")) or 0)
    asker = Asker(database, backend)
    worst: dict[str, float] = {}
    print(f"{'class':32}{'p50 ms':>9}{'p95 ms':>9}{'cpu ms':>9}")
    for name, asks in cases(subjects, most, rare).items():
        *times, cpu = await asker.measure(asks)
        p95 = float(np.percentile(times, 95))
        kind = name.partition(":")[0]
        worst[kind] = max(worst.get(kind, 0), p95)
        late = "  above the aim" if p95 > AIM_MS else ""
        print(f"{name:32}{np.percentile(times, 50):9.1f}{p95:9.1f}{cpu:9.1f}{late}", flush=True)
    await database.close()
    return " ".join(f"p95_{kind}_ms={worst[kind]:.1f}" for kind in ("list", "detail", "graph", "trending"))


def prepare(url: str, *, subjects: int, mentions: int) -> None:
    """Fill the database, after a small one whose counts are those of the triggers."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE sample")
    sample = url.replace("/echoic?", "/sample?", 1)
    migrate.upgrade(sample)
    build(sample, subjects=SAMPLE[0], mentions=SAMPLE[1])
    if not is_as_triggers_count(sample):
        raise SystemExit("the counts of the corpus are not those that the triggers keep")
    migrate.upgrade(url)
    started = time.perf_counter()
    build(url, subjects=subjects, mentions=mentions)
    print(f"{subjects} names, {mentions} mentions in {time.perf_counter() - started:.0f} s\n", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--subjects", type=int, default=100_000)
    options.add_argument("--mentions", type=int, default=5_000_000)
    options.add_argument("--folder", type=Path, help="Keep the database here, or use the one that is there.")
    chosen = options.parse_args()
    with (
        kept_or_removed(chosen.folder, "entities") as folder,
        EmbeddedPostgres(Settings(_env_file=None, data_dir=folder / "data")) as server,
    ):
        if not (folder / "built").exists():
            prepare(server.owner_url, subjects=chosen.subjects, mentions=chosen.mentions)
            (folder / "built").touch()
        last = asyncio.run(run(server.owner_url, chosen.subjects))
    print(last)


if __name__ == "__main__":
    main()
