"""How well search ranks: hand-made queries over the true transcripts of the dev recordings, with the real text encoder.

Every sentence is indexed once. The right ones for each query were chosen by reading the transcripts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echoic.access import Caller
from echoic.db.accounts import accounts
from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.search import index_write
from echoic.db.search.postgres import PostgresIndex
from echoic.db.transcripts import transcripts
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder
from echoic.records import EngineId, Segment, Transcription
from echoic.search.question import Search, SearchType
from echoic.search.run import search

AUDIO = Path(__file__).parents[2] / "shared" / "audio" / "dev"
QUERIES = Path(__file__).with_name("search_queries.json")
TOP = 10
TYPES: tuple[SearchType, ...] = ("text", "semantic", "hybrid")


@dataclass(frozen=True)
class Query:
    kind: str
    query: str
    right: tuple[str, ...]
    """How the right sentences begin."""


@dataclass(frozen=True)
class Quality:
    recall: float
    """The part of the right sentences that are among the first ten, averaged over the queries."""
    reciprocal_rank: float
    """One over the rank of the first right sentence, 0 where none is found, averaged."""


def sentences() -> list[list[str]]:
    """The sentences of each recording that no earlier one has."""
    manifest = json.loads((AUDIO / "manifest.json").read_text())["files"]
    seen: set[str] = set()
    found = []
    for file in sorted(manifest, key=lambda file: str(file["file"])):
        if file.get("reference"):
            spoken = [part["text"] for part in json.loads((AUDIO / file["reference"]).read_text())["segments"]]
        else:
            spoken = [file["text"]] if file.get("text") else []
        new = [text for text in dict.fromkeys(spoken) if text not in seen]
        seen.update(new)
        if new:
            found.append(new)
    return found


def load_queries() -> list[Query]:
    return [
        Query(kind=entry["kind"], query=entry["query"], right=tuple(entry["right"]))
        for entry in json.loads(QUERIES.read_text())
    ]


async def fill(database: Database, encoder: TextEncoder) -> Caller:
    """Index the sentences; returns who may read them."""
    async with database.transaction() as session:
        account = await accounts.create_account(session, name="Reader", plan="unlimited")
        library = await libraries.create_library(session, slug="dev", name="Dev", owner_account_id=account.id)
        dataset = await libraries.create_dataset(session, library_id=library.id, name="Recordings")
        for number, spoken in enumerate(sentences()):
            blob = await items.create_blob(session, key=f"{number:032x}", size_bytes=1, sha256=f"{number:064x}")
            item = await items.create_item(
                session,
                dataset_id=dataset.id,
                title=f"Recording {number}",
                status="published",
                audio_blob_id=blob.id,
                language="en",
                published_at=await runs.now(session),
            )
            run = await runs.create_run(session, item_id=item.id, stage="index", priority=100, options={})
            segments = [
                Segment(start=10.0 * place, end=10.0 * place + 9, text=text) for place, text in enumerate(spoken)
            ]
            transcript = await transcripts.create_transcript(
                session,
                item_id=item.id,
                run_id=run.id,
                transcription=Transcription(segments=tuple(segments), language="en", language_probability=1.0),
                engine=EngineId(name="bench", model="truth", version="1"),
            )
            item.transcript_id = transcript.id
            await session.flush()
            stored = await transcripts.list_segments(session, transcript.id)
            await index_write.store_embeddings(
                session,
                segment_ids=[row.id for row in stored],
                model=encoder.id.label,
                vectors=encoder.encode([row.text for row in stored], "passage"),
            )
            await index_write.index_transcript(session, transcript_id=transcript.id)
    return Caller(account_id=account.id, key_id=1, plan="unlimited", scopes=frozenset({"read"}))


async def measure(
    database: Database, encoder: EngineLease[TextEncoder], caller: Caller
) -> dict[SearchType, dict[str, Quality]]:
    """The quality of each type of search, by kind of query and for all of them (``all``)."""
    index = PostgresIndex(database)
    queries = load_queries()
    found: dict[SearchType, dict[str, Quality]] = {}
    for search_type in TYPES:
        rows = []
        for query in queries:
            wanted = Search(account_id=caller.account_id, query=query.query, search_type=search_type, limit=TOP)
            result = await search(wanted, index=index, encoder=encoder)
            rows.append((query.kind, *_score(query, [hit.text for hit in result.hits])))
        kinds = ("all", *dict.fromkeys(query.kind for query in queries))
        found[search_type] = {kind: _average(kind, rows) for kind in kinds}
    return found


def _score(query: Query, shown: Sequence[str]) -> tuple[float, float]:
    hits = [any(text.startswith(beginning) for beginning in query.right) for text in shown]
    first = hits.index(True) + 1 if any(hits) else None
    return sum(hits) / len(query.right), 1 / first if first else 0.0


def _average(kind: str, rows: Sequence[tuple[str, float, float]]) -> Quality:
    counted = np.array([row[1:] for row in rows if kind in {"all", row[0]}])
    recall, rank = counted.mean(axis=0)
    return Quality(recall=float(recall), reciprocal_rank=float(rank))
