"""How long corrections take, and how soon search follows: a recording of an hour, the embedded database, the real encoder.

    python -m bench.corrections [--segments 1200] [--edits 100]

Every edit gives one segment a text with a word that was never said before; it is then searched for by that word, and
after the edits by meaning, until it is found. Last, one word is replaced in every segment, and the original restored; half
of the segments are given to a new speaker, and merged again, with a search by that speaker after both.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import httpx

from echoic.api.app import create_app
from echoic.compose import Components, open_components
from echoic.corrections.embeddings import INTERVAL_SECONDS, embed_corrected
from echoic.db import migrate
from echoic.db.accounts import accounts
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.search import index_write
from echoic.db.transcripts import transcripts
from echoic.postgres import ROLE, EmbeddedPostgres
from echoic.records import EngineId, Segment, Transcription, Word
from echoic.settings import Settings
from echoic.upkeep import Upkeep

ENGINE = EngineId(name="made-up", model="none", version="1")
WORDS_A_SEGMENT = 25
SECONDS_A_SEGMENT = 3.0
VOCABULARY = 5000
SEED = 1
PATIENCE_SECONDS = 60.0
TARGET_SECONDS = 1.0
"""Search is to follow within so long."""


def made_up(number: int) -> str:
    """A word for each number."""
    return "".join("bcdfghjklm"[int(digit)] + "aeiou"[int(digit) % 5] for digit in str(number))


def hour(segments: int, rng: random.Random) -> tuple[Segment, ...]:
    """Segments of made-up words, all with the word ``um``."""
    made = []
    for number in range(segments):
        texts = ["um", *(made_up(int(VOCABULARY * rng.random() ** 3)) for _ in range(WORDS_A_SEGMENT - 1))]
        start, step = number * SECONDS_A_SEGMENT, SECONDS_A_SEGMENT / WORDS_A_SEGMENT
        words = tuple(
            Word(text=text, start=start + at * step, end=start + (at + 1) * step, score=0.9)
            for at, text in enumerate(texts)
        )
        made.append(
            Segment(start=start, end=start + SECONDS_A_SEGMENT, text=" ".join(texts), words=words, speaker="SPEAKER_00")
        )
    return tuple(made)


async def fill(components: Components, segments: tuple[Segment, ...]) -> tuple[str, int]:
    """A published item with these segments; returns a key and the item's id."""
    async with components.database.transaction() as session:
        account = await accounts.create_account(session, name="Bench", plan="unlimited")
        _, key = await accounts.create_key(session, account_id=account.id, name="Bench", scopes=accounts.SCOPES)
        library = await libraries.create_library(
            session, slug="bench", name="Bench", owner_account_id=account.id, visibility="private"
        )
        dataset = await libraries.create_dataset(session, library_id=library.id, name="Bench")
        blob = await items.create_blob(session, key="00/00/00", size_bytes=1, sha256="0" * 64)
        item = await items.create_item(
            session, dataset_id=dataset.id, title="An hour", status="published", audio_blob_id=blob.id
        )
        run = await runs.create_run(session, item_id=item.id, stage="publish", priority=100, options={})
        run.state = "succeeded"
        transcript = await transcripts.create_transcript(
            session,
            item_id=item.id,
            run_id=run.id,
            transcription=Transcription(segments=segments, language="en", language_probability=1.0),
            engine=ENGINE,
        )
        item.transcript_id = transcript.id
        await index_write.index_transcript(session, transcript_id=transcript.id)
        return key, item.id


class Bench:
    """Asks the API of an item, and takes the time."""

    def __init__(self, client: httpx.AsyncClient, item_id: int) -> None:
        self.client, self.path = client, f"/api/items/{item_id}/transcript"

    async def timed(self, call: Awaitable[httpx.Response]) -> tuple[float, Any]:
        """Seconds that a call takes, and its answer."""
        started = time.perf_counter()
        answer = await call
        taken = time.perf_counter() - started
        answer.raise_for_status()
        return taken, answer.json()

    async def until_found(self, query: str, text: str, search_type: str) -> float:
        """Seconds until a search has the text first."""
        started = time.perf_counter()
        while True:
            body = {"query": query, "search_type": search_type}
            _, answer = await self.timed(self.client.post("/api/search", json=body))
            taken = time.perf_counter() - started
            if answer["results"] and answer["results"][0]["text"] == text:
                return taken
            if taken > PATIENCE_SECONDS:
                raise SystemExit(f"{search_type} search did not find {text!r} in {taken:.0f} s")

    async def said_by(self, speaker: str, *, some: bool) -> httpx.Response:
        """A search by a speaker, which has to find something or nothing: the index follows with the answer."""
        body = {"query": "um", "search_type": "text", "filters": {"speakers": [speaker]}}
        answer = await self.client.post("/api/search", json=body)
        if bool(answer.json()["results"]) is not some:
            raise SystemExit(f"search by {speaker!r} found {answer.json()['meta']['total']} segments")
        return answer


async def measure(bench: Bench, segments: int, edits: int, rng: random.Random) -> dict[str, float]:
    """Milliseconds by name."""
    edit, follow = [], []
    for number in range(edits):
        place, word = rng.randrange(segments), made_up(VOCABULARY + 10 * number)
        text = f"Um, well {word} is what we said about that"
        taken, _ = await bench.timed(bench.client.patch(f"{bench.path}/segments/{place}", json={"text": text}))
        edit.append(taken)
        follow.append(taken + await bench.until_found(word, text, "text"))
    await bench.until_found(text, text, "semantic")  # the first one loads the model
    text = "The lighthouse keeper's dog barked at the ferry"
    taken, _ = await bench.timed(bench.client.patch(f"{bench.path}/segments/0", json={"text": f"um {text}"}))
    meaning = taken + await bench.until_found("animal noise on an island", f"um {text}", "semantic")
    replaced, answer = await bench.timed(
        bench.client.post(f"{bench.path}/replace", json={"find": "um", "replace": "ehm", "whole_words": True})
    )
    assert answer["segments_changed"] == segments, answer
    original, _ = await bench.timed(bench.client.get(f"{bench.path}?version=0"))
    restored, _ = await bench.timed(bench.client.post(f"{bench.path}/versions/0/restore"))
    speakers = bench.path.replace("transcript", "speakers")
    half = {"segments": list(range(0, segments, 2)), "name": "Somebody"}
    split, answer = await bench.timed(bench.client.post(f"{speakers}/SPEAKER_00/split", json=half))
    found, _ = await bench.timed(bench.said_by("Somebody", some=True))
    merged, _ = await bench.timed(bench.client.post(f"{speakers}/{answer['label']}/merge", json={"into": "SPEAKER_00"}))
    gone, _ = await bench.timed(bench.said_by("Somebody", some=False))
    seconds = {
        "edit_p50_ms": statistics.median(edit),
        "edit_p95_ms": statistics.quantiles(edit, n=20)[-1],
        "found_by_word_p95_ms": statistics.quantiles(follow, n=20)[-1],
        "found_by_meaning_ms": meaning,
        "replace_all_ms": replaced,
        "read_original_ms": original,
        "restore_all_ms": restored,
        "split_half_ms": split,
        "found_by_speaker_ms": split + found,
        "merge_half_ms": merged,
        "not_found_by_speaker_ms": merged + gone,
    }
    return {name: taken * 1000 for name, taken in seconds.items()}


async def run(segments: int, edits: int, settings: Settings, url: str) -> dict[str, float]:
    """Fill a database and measure."""
    rng = random.Random(SEED)
    async with open_components(settings, url) as components:
        key, item_id = await fill(components, hour(segments, rng))
        meanings = Upkeep()
        meanings.add(
            "meanings",
            lambda: embed_corrected(components.database, components.engines.text_encoder),
            every_seconds=INTERVAL_SECONDS,
            busy=True,
        )
        transport = httpx.ASGITransport(app=create_app(components))
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            meanings.kept(),
            httpx.AsyncClient(
                transport=transport, base_url="http://echoic.test", headers=headers, timeout=PATIENCE_SECONDS
            ) as client,
        ):
            return await measure(Bench(client, item_id), segments, edits, rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=1200)
    parser.add_argument("--edits", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        # Under root PostgreSQL runs as another account, to which the folder would be closed.
        Path(name).chmod(0o711)
        settings = Settings(_env_file=None, data_dir=Path(name) / "data")
        with EmbeddedPostgres(settings) as server:
            migrate.upgrade(server.owner_url, program_role=ROLE)
            figures = asyncio.run(run(asked.segments, asked.edits, settings, server.url))
    print(f"{asked.segments} segments of {WORDS_A_SEGMENT} words, {asked.edits} edits of one segment each")
    for name, value in figures.items():
        print(f"{name:24} {value:10.1f}")
    print(f"within_{TARGET_SECONDS:.0f}_s={figures['found_by_word_p95_ms'] <= TARGET_SECONDS * 1000}", end=" ")
    print(" ".join(f"{name}={value:.1f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
