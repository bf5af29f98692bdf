"""How long ``/health/live`` takes while one process is asked for a transcript of nine hours, and looks into an upload.

    python -m bench.waiting [--words 90000] [--rounds 3]

A server of its own holds one item, made of words without sound. For each kind of request one client asks for it again
and again, while another asks ``/health/live``, one request after the other on one connection. The table shows how long
the large answer takes, and of the small ones the median and the longest. The last line gives the longest of each kind
in milliseconds; ``nothing`` is the longest beside no request at all.
"""

import argparse
import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from bench.sender import wav_head
from echoic.compose import open_components
from echoic.db.accounts import accounts
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.search import index_write
from echoic.db.transcripts import entities, transcripts
from echoic.engines.fake import FakeTextEncoder
from echoic.records import EngineId, Segment, Transcription, Word
from echoic.server.database import found_database
from echoic.settings import Settings
from echoic.testing.private_server import FAKE_ENGINES, PrivateServer

WORDS_A_SEGMENT = 12
SECONDS_A_WORD = 0.36
SPEAKERS = 4
QUIET_SECONDS = 2.0
UPLOAD_BYTES = 100 * 1_048_576
"""Of the recording that is looked into."""


def fill(data_dir: Path, words: int) -> tuple[int, str]:
    """An item with so many words, published, with a name in every segment; returns its id and an owner's key."""
    return asyncio.run(_fill(Settings(_env_file=None, data_dir=data_dir), words))


async def _fill(settings: Settings, words: int) -> tuple[int, str]:
    async with (
        open_components(settings, found_database(settings)) as components,
        components.database.transaction() as session,
    ):
        account = await accounts.first_account(session)
        if account is None:
            raise SystemExit("the server has no owner")
        _, key = await accounts.create_key(session, account_id=account.id, name="Bench")
        blob = await items.create_blob(session, key="00/00/" + "0" * 32, size_bytes=1, sha256="0" * 64)
        item = await items.create_item(
            session, dataset_id=1, title="Nine hours", status="published", audio_blob_id=blob.id
        )
        run = await runs.create_run(session, item_id=item.id, stage="publish", priority=100, options={})
        run.state = "succeeded"
        transcript = await transcripts.create_transcript(
            session,
            item_id=item.id,
            run_id=run.id,
            transcription=Transcription(segments=_segments(words), language="en", language_probability=1.0),
            engine=EngineId(name="none", model="none", version="1"),
        )
        transcripts.make_present(item, transcript)
        item.duration_seconds, item.published_at = words * SECONDS_A_WORD, await runs.now(session)
        rows = await transcripts.list_segments(session, transcript.id)
        found = [
            entities.FoundMention(
                type="person",
                name=f"Name {row.position % 50}",
                segment_id=row.id,
                start=row.start,
                end=row.end,
                text="Name",
                confidence=None,
            )
            for row in rows
        ]
        await entities.replace_entities(session, item_id=item.id, transcript_id=transcript.id, found=found)
        encoder = FakeTextEncoder()
        vectors = encoder.encode([row.text for row in rows], "passage")
        await index_write.store_embeddings(
            session, segment_ids=[row.id for row in rows], model=encoder.id.label, vectors=vectors
        )
        await index_write.index_transcript(session, transcript_id=transcript.id)
        return item.id, key


def _segments(words: int) -> tuple[Segment, ...]:
    segments = []
    for first in range(0, words, WORDS_A_SEGMENT):
        speaker = f"SPEAKER_{first // WORDS_A_SEGMENT % SPEAKERS:02}"
        said = tuple(
            Word(
                text=f"word{place % 997}",
                start=round(place * SECONDS_A_WORD, 3),
                end=round((place + 1) * SECONDS_A_WORD, 3),
                score=0.9,
                speaker=speaker,
            )
            for place in range(first, min(first + WORDS_A_SEGMENT, words))
        )
        text = " ".join(word.text for word in said)
        segments.append(Segment(start=said[0].start, end=said[-1].end, text=text, words=said, speaker=speaker))
    return tuple(segments)


def live_beside(base_url: str, ask: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each ``/health/live``, and of each large answer, while that is asked for so many times."""
    small: list[float] = []
    done = threading.Event()

    def watch() -> None:
        with httpx.Client(base_url=base_url, trust_env=False) as client:
            while not done.is_set():
                started = time.perf_counter()
                client.get("/health/live").raise_for_status()
                small.append(time.perf_counter() - started)

    watcher = threading.Thread(target=watch)
    watcher.start()
    large = []
    try:
        for _ in range(rounds):
            started = time.perf_counter()
            ask()
            large.append(time.perf_counter() - started)
    finally:
        done.set()
        watcher.join()
    return small, large


def requests_of(client: httpx.Client, item_id: int, upload: Path) -> Mapping[str, Callable[[], object]]:
    item = f"/api/items/{item_id}"

    def get(path: str) -> Callable[[], object]:
        return lambda: client.get(f"{item}{path}").raise_for_status()

    def look() -> None:
        with upload.open("rb") as file:
            made = client.post("/api/datasets/1/items", files={"audio": ("noise.wav", file)}).raise_for_status()
        client.delete(f"/api/items/{made.json()['item_id']}").raise_for_status()

    formats = ("json", "txt", "srt", "vtt", "csv", "rttm", "docx")
    return {
        "nothing": lambda: time.sleep(QUIET_SECONDS),
        **{name: get(f"/transcript?format={name}") for name in formats},
        "zip": get("/transcript?" + "&".join(f"format={name}" for name in formats)),
        "version": get("/transcript?version=0"),
        "replace": lambda: client.post(
            f"{item}/transcript/replace", json={"find": "word1", "replace": "word2"}
        ).raise_for_status(),
        "restore": lambda: client.post(f"{item}/transcript/versions/0/restore").raise_for_status(),
        "versions": get("/transcript/versions"),
        "speakers": get("/speakers"),
        "entities": get("/entities?limit=100"),
        "search": lambda: client.post("/api/search", json={"query": "word1 OR word2", "limit": 100}).raise_for_status(),
        "upload": look,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=90_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="one kind of request")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "noise.wav").write_bytes(wav_head(UPLOAD_BYTES) + bytes(UPLOAD_BYTES))
        server = PrivateServer(folder, **FAKE_ENGINES)
        try:
            item_id, key = fill(folder, given.words)
            server.client.patch("/api/datasets/1", json={"auto_transcribe": False}).raise_for_status()
            server.client.headers["Authorization"] = f"Bearer {key}"
            print(f"{'request':<10}{'takes, s':>10}{'live, median ms':>18}{'live, longest ms':>18}")
            longest = {}
            for kind, ask in requests_of(server.client, item_id, folder / "noise.wav").items():
                if given.only not in (None, kind):
                    continue
                small, large = live_beside(str(server.client.base_url), ask, given.rounds)
                longest[kind] = 1000 * max(small)
                median = 1000 * statistics.median(small)
                print(f"{kind:<10}{statistics.median(large):>10.2f}{median:>18.1f}{longest[kind]:>18.1f}")
        finally:
            server.stop()
    print(" ".join(f"{kind}_ms={value:.0f}" for kind, value in longest.items()))


if __name__ == "__main__":
    main()
