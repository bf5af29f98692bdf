"""What an installation of ten million segments takes longer for than one of a hundredth.

    python -m bench.size                                                                     20 GB
    python -m bench.size --segments 1000000 --items 10000 --libraries 100 --queued 500       a tenth
    python -m bench.size --folder /var/tmp/sizes          keep both installations, or use those that are there

Two servers of their own with embedded databases, without workers, are asked in turns, so that a busy machine is busy for both. Times
are of whole requests over HTTP; a claim is the statement by which a worker takes a job, and the job is put back outside the
time. `cpu` is what server and database compute for one request. Each figure at the large size should be at most twice that at
the small one; a line that ends with `grows` is not.
"""

import argparse
import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
from procrastinate import App

from bench.folders import kept_or_removed
from bench.processor import ProcessorSeconds, processor_seconds
from bench.search_corpus import SEED, Vocabulary, make_vocabulary, pairs
from bench.size_corpus import FIRST, READER, READER_LIBRARIES, Sizes, check_entries, fill
from echoic.db.accounts import accounts
from echoic.db.connect import Database
from echoic.pipeline.queue import make_app
from echoic.pipeline.turns import TurnTaking
from echoic.postgres import EmbeddedPostgres
from echoic.server.database import found_database
from echoic.settings import Settings
from echoic.stages import STAGES
from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer

ROUNDS = 6
EACH = 10
"""Requests of a class in each round."""
AIM = 2.0
QUEUES = ("cpu", "gpu")
FILLING = {"fsync": "off", "max_wal_size": "2GB", "autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0"}
"""Settings of the database while the corpus is written, which nobody needs to survive."""
TABLES = (
    "segments",
    "search_entries",
    "items",
    "pipeline_queue",
    "stage_results",
    "run_events",
)

Ask = Callable[[int], float]
"""Asks for the so-manieth time; returns the seconds."""


@dataclass(slots=True)
class Measured:
    """What was found of one class at one size."""

    milliseconds: list[float] = field(default_factory=list)
    costs: list[ProcessorSeconds] = field(default_factory=list)
    """Of a request, by round."""

    def percentile(self, percent: float) -> float:
        return float(np.percentile(self.milliseconds, percent))

    def cpu(self) -> float:
        return float(np.mean([cost.server + cost.database for cost in self.costs])) * 1000


class Installation:
    """One of the two: its server, and how it is asked."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(_env_file=None, data_dir=folder)
        self.server = PrivateServer(folder, options=WITHOUT_WORKER, ECHOIC_LOG_LEVEL="warning")
        self.url = found_database(self.settings)
        self.everything = dict(self.server.client.headers)
        self.few = {"Authorization": f"Bearer {asyncio.run(self._make_key())}"}

    async def _make_key(self) -> str:
        database = Database(self.url, pool_size=1)
        async with database.transaction() as session:
            _, key = await accounts.create_key(session, account_id=READER, name="Bench")
        await database.close()
        return key

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Ask:
        return lambda _: self._timed("GET", path, headers)

    def search(self, queries: list[str], headers: Mapping[str, str] | None = None) -> Ask:
        return lambda number: self._timed(
            "POST", "/api/search", headers, json={"query": queries[number % len(queries)], "search_type": "text"}
        )

    def _timed(self, method: str, path: str, headers: Mapping[str, str] | None, **given: Any) -> float:
        started = time.perf_counter()
        answer = self.server.client.request(method, path, headers=headers, **given)
        taken = time.perf_counter() - started
        if answer.status_code != httpx.codes.OK:
            raise SystemExit(f"{method} {path} was answered {answer.status_code}: {answer.text}")
        return taken

    def cases(self, vocabulary: Vocabulary, claims: "Claims") -> dict[str, Ask]:
        """The classes; the names are those of the last line."""
        common = vocabulary.words[103:123]
        phrases = [f'"{first} {second}"' for first, second in pairs(vocabulary)[:20]]
        return {
            "claim": claims.claim,
            "list_dataset": self.get(f"/api/datasets/{FIRST + 3}/items"),
            "list_large_dataset": self.get(f"/api/datasets/{FIRST + 1}/items"),
            "latest_of_few": self.get("/api/items", self.few),
            "latest_of_all": self.get("/api/items"),
            "word_of_few": self.search(common, self.few),
            "word_of_all": self.search(common),
            "phrase_of_few": self.search(phrases, self.few),
            "phrase_of_all": self.search(phrases),
            "ready": self.get("/health/ready"),
            "queue": self.get("/api/queue"),
            "stages": self.get("/api/stages"),
            "workers": self.get("/api/workers"),
            "installation": self.get("/api/installation"),
            "storage": self.get("/api/storage"),
            "storage_by_library": self.get("/api/storage?by=library"),
            "metrics": self.get("/metrics"),
        }

    def cost(self) -> ProcessorSeconds:
        return processor_seconds(self.server.process.pid)


class Claims:
    """A worker that takes jobs and puts each back."""

    def __init__(self, url: str, settings: Settings, runner: asyncio.Runner) -> None:
        self._run = runner.run
        self._database = Database(url, pool_size=1)
        self._app: App = make_app(self._database)
        self._turns = TurnTaking(self._app.connector, STAGES, decoded_max_gb=settings.decoded_max_gb)
        self._url = url
        self._worker = self._run(self._begin())

    async def _begin(self) -> int:
        await self._app.open_async()
        return await self._app.job_manager.register_worker()

    def claim(self, _: int) -> float:
        """Take a job; returns the seconds that the statement took."""
        return self._run(self._claim())

    async def _claim(self) -> float:
        started = time.perf_counter()
        job = await self._turns.fetch_job(QUEUES, self._worker)
        taken = time.perf_counter() - started
        if job is None:
            raise SystemExit("there was no job to claim")
        await self._app.connector.execute_query_async(
            "UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL WHERE id = %(id)s", id=job.id
        )
        return taken

    def close(self) -> None:
        self._run(self._end())

    async def _end(self) -> None:
        await self._app.job_manager.unregister_worker(self._worker)
        await self._app.close_async()
        await self._database.close()


def prepare(folder: Path, sizes: Sizes) -> None:
    """Make an installation, unless it is there."""
    if (folder / "built").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)  # what was left half made
    folder.mkdir()
    folder.chmod(0o711)
    settings = Settings(_env_file=None, data_dir=folder)
    PrivateServer(folder, options=WITHOUT_WORKER).stop()
    started = time.perf_counter()
    print(f"{sizes}:", flush=True)
    with EmbeddedPostgres(settings, options=FILLING) as server:
        with psycopg.connect(server.owner_url) as connection:
            found = connection.execute("SELECT id FROM accounts WHERE is_admin").fetchone()
        fill(server.owner_url, sizes, admin=found[0] if found else 0)
        check_entries(server.owner_url, sizes)
        print(f"  {time.perf_counter() - started:6.0f} s  in all\n{bytes_of(server.owner_url, sizes)}\n", flush=True)
    (folder / "built").touch()


def bytes_of(url: str, sizes: Sizes) -> str:
    """Bytes of the larger tables and their indexes, by segment."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            """SELECT relname, pg_relation_size(oid), pg_indexes_size(oid) FROM pg_class
               WHERE relname = ANY (%s) ORDER BY pg_total_relation_size(oid) DESC""",
            (list(TABLES),),
        ).fetchall()
        words = connection.execute("SELECT pg_relation_size('ix_search_entries_vector')").fetchone()
        whole = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    lines = [f"  {'bytes a segment':24}{'rows':>9}{'indexes':>9}"]
    lines += [
        f"  {name:24}{rows_ / sizes.segments:9.0f}{indexes / sizes.segments:9.0f}" for name, rows_, indexes in rows
    ]
    lines += [f"  {'index of words alone':24}{'':9}{(words or [0])[0] / sizes.segments:9.0f}"]
    return "\n".join([*lines, f"  database: {(whole or [0])[0] / 1e6:,.0f} MB"])


@contextmanager
def opened(folder: Path, runner: asyncio.Runner) -> Iterator[tuple[Installation, Claims]]:
    """The installation in a folder, while its server runs."""
    installation = Installation(folder)
    with installation.server:
        claims = Claims(installation.url, installation.settings, runner)
        try:
            yield installation, claims
        finally:
            claims.close()


def measure(folders: tuple[Path, Path], only: str) -> str:
    """Ask both in turns; returns the last line."""
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        both = [stack.enter_context(opened(folder, runner)) for folder in folders]
        with psycopg.connect(both[0][0].url) as connection:
            vocabulary = make_vocabulary(connection, np.random.default_rng(SEED))
        asks = [installation.cases(vocabulary, claims) for installation, claims in both]
        print(f"{'':20}{'p50, ms':>18}{'':9}{'p95, ms':>18}{'':9}{'cpu, ms':>18}")
        print(f"{'':20}" + f"{'small':>9}{'large':>9}{'times':>9}" * 3)
        figures: dict[str, str] = {}
        for name in asks[0]:
            if only in name:
                found = _measured(
                    [(installation, each[name]) for (installation, _), each in zip(both, asks, strict=True)]
                )
                figures |= _row(name, *found)
    return " ".join(f"{name}={value}" for name, value in figures.items())


def _measured(asked: list[tuple[Installation, Ask]]) -> list[Measured]:
    found = [Measured() for _ in asked]
    for number in range(ROUNDS + 1):
        for (installation, ask), mine in zip(asked, found, strict=True):
            before = installation.cost()
            taken = [ask(number * EACH + each) * 1000 for each in range(EACH)]
            if number:  # the first round warms up
                mine.milliseconds += taken
                mine.costs.append((installation.cost() - before) / EACH)
    return found


def _row(name: str, small: Measured, large: Measured) -> dict[str, str]:
    p50, p95, cpu = (
        (how(small), how(large)) for how in (lambda m: m.percentile(50), lambda m: m.percentile(95), Measured.cpu)
    )
    columns = "".join(f"{little:9.1f}{much:9.1f}{much / max(little, 0.01):9.1f}" for little, much in (p50, p95, cpu))
    ratio, late = p50[1] / p50[0], p95[1] / p95[0]
    print(f"{name:20}{columns}{'  grows' if max(ratio, late) > AIM else ''}", flush=True)
    return {
        f"{name}_ms_small": f"{p50[0]:.1f}",
        f"{name}_ms": f"{p50[1]:.1f}",
        f"{name}_ratio": f"{ratio:.2f}",
        f"{name}_p95_ms_small": f"{p95[0]:.1f}",
        f"{name}_p95_ms": f"{p95[1]:.1f}",
        f"{name}_p95_ratio": f"{late:.2f}",
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--segments", type=int, default=10_000_000)
    options.add_argument("--items", type=int, default=100_000)
    options.add_argument("--libraries", type=int, default=1_000)
    options.add_argument("--queued", type=int, default=5_000)
    options.add_argument("--folder", type=Path, help="Keep both installations here, or use those that are there.")
    options.add_argument("--only", default="", help="Measure the classes alone that have this in their name.")
    chosen = options.parse_args()
    large = Sizes(segments=chosen.segments, items=chosen.items, libraries=chosen.libraries, queued=chosen.queued)
    if min(large.hundredth().items, large.segments_an_item) < READER_LIBRARIES:
        options.error("--items must be at least 500, and --segments five times as many")
    with kept_or_removed(chosen.folder, "size") as folder:
        folders = folder / "small", folder / "large"
        for each, sizes in zip(folders, (large.hundredth(), large), strict=True):
            prepare(each, sizes)
        last = measure(folders, chosen.only)
    print(last)


if __name__ == "__main__":
    main()
