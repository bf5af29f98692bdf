"""A transcript of nine hours is read and changed beside the loop that answers everybody else."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from echoic.api import transcripts as route
from echoic.compose import Components
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.transcripts import transcripts
from echoic.formats import json_out
from echoic.formats.json_out import to_object
from echoic.records import Segment, Transcription, Word
from tests.factories import ENGINE, Tenant, World, talk

WORDS = 90_000
WORDS_A_SEGMENT = 12
FEWEST_ANSWERS = 5
"""Of ``/health/live`` while one transcript's rows become records; none, where that is done in one piece."""


def words(first: int) -> tuple[Word, ...]:
    return tuple(
        Word(text=f"w{place}", start=place / 3, end=(place + 1) / 3, score=0.9, speaker="SPEAKER_00")
        for place in range(first, first + WORDS_A_SEGMENT)
    )


async def nine_hours(world: World, components: Components) -> tuple[Tenant, int]:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id)
    segments = tuple(
        Segment(start=said[0].start, end=said[-1].end, text="w", words=said, speaker="SPEAKER_00")
        for said in map(words, range(0, WORDS, WORDS_A_SEGMENT))
    )
    async with components.database.transaction() as session:
        item, run = await items.get_item(session, item_id), await runs.newest_run(session, item_id)
        assert item is not None
        assert run is not None
        made = await transcripts.create_transcript(
            session,
            item_id=item_id,
            run_id=run.id,
            transcription=Transcription(segments=segments, language="en", language_probability=1.0),
            engine=ENGINE,
        )
        transcripts.make_present(item, made)
    return tenant, item_id


async def test_others_are_answered_while_90_000_words_are_read(
    client: httpx.AsyncClient, world: World, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, item_id = await nine_hours(world, components)
    made = 0
    as_record = transcripts.as_record

    def counted(row: transcripts.Segment) -> Segment:
        nonlocal made
        made += 1
        return as_record(row)

    monkeypatch.setattr(transcripts, "as_record", counted)
    reading = asyncio.create_task(client.get(f"/api/items/{item_id}/transcript", headers=tenant.headers))
    amid: set[int] = set()
    while not reading.done():
        assert (await client.get("/health/live")).status_code == 200
        if 0 < made < WORDS // WORDS_A_SEGMENT:
            amid.add(made)
        await asyncio.sleep(0)  # nothing else lets the reading end: the answer above waits for nobody
    segments = (await reading).json()["segments"]
    assert sum(len(segment["words"]) for segment in segments) == WORDS
    assert len(amid) >= FEWEST_ANSWERS


READS = {
    "json": "transcript",
    "zip": "transcript?format=srt&format=docx&format=json",
    "a version": "transcript?version=0",
    "speakers": "speakers",
}
CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "correct": ("PATCH", "transcript/segments", {"segments": [{"id": 0, "text": "Other words"}]}),
    "correct one": ("PATCH", "transcript/segments/1", {"text": "Other words"}),
    "replace": ("POST", "transcript/replace", {"find": "budget", "replace": "plan"}),
    "restore": ("POST", "transcript/versions/0/restore", {}),
    "name": ("POST", "speakers/SPEAKER_00", {"name": "Ada"}),
    "merge": ("POST", "speakers/SPEAKER_01/merge", {"into": "SPEAKER_00"}),
    "split": ("POST", "speakers/SPEAKER_00/split", {"segments": [0]}),
}
TALK = (*talk("The budget was cut", speaker="SPEAKER_00"), *talk("No budget", "At all", speaker="SPEAKER_01")[1:])


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the threads in which rows become records."""
    found: set[str] = set()

    def noting(act: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any, **named: Any) -> Any:
            found.add(threading.current_thread().name.partition("_")[0])
            return act(*given, **named)

        return noted

    monkeypatch.setattr(Segment, "__init__", noting(Segment.__init__))
    return found


@pytest.mark.parametrize("path", READS.values(), ids=READS)
async def test_what_is_read_is_made_in_other_threads(
    client: httpx.AsyncClient, world: World, threads: set[str], path: str
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, TALK)
    threads.clear()
    answer = await client.get(f"/api/items/{item_id}/{path}", headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    assert threads
    assert threads <= {"aside", "asyncio"}


@pytest.mark.parametrize(("method", "path", "body"), CHANGES.values(), ids=CHANGES)
async def test_what_is_changed_is_changed_in_other_threads(
    client: httpx.AsyncClient, world: World, threads: set[str], *, method: str, path: str, body: dict[str, Any]
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, TALK)
    item = f"/api/items/{item_id}"
    first = {"find": "all", "replace": "nothing"}
    assert (await client.post(f"{item}/transcript/replace", headers=tenant.headers, json=first)).is_success
    threads.clear()
    answer = await client.request(method, f"{item}/{path}", headers=tenant.headers, json=body)
    assert answer.is_success, answer.text
    assert threads
    assert threads <= {"aside", "asyncio"}


async def test_the_json_that_is_made_in_parts_is_that_of_the_whole(world: World, components: Components) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, TALK, title='A "segments": [] title, ünïcödé')
    async with components.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        found = await transcripts.load_transcript(session, item)
    assert found is not None
    more: dict[str, object] = {"status": "published", "segments_of": [], "error": None}
    assert json.loads(json_out.in_parts(found.transcript, more)) == to_object(found.transcript) | more
    assert json.loads(json_out.write(found.transcript)) == to_object(found.transcript)


async def test_a_transcript_without_segments_is_json_too(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, [])
    body = (await client.get(f"/api/items/{item_id}/transcript", headers=tenant.headers)).json()
    assert body["segments"] == []
    assert set(body) == set(route.TranscriptBody.model_fields)
