"""Streams of OpenAI's routes while a recording is still at work, and how a waiting request ends before its words are known."""

import asyncio
from typing import Any

import httpx
import pytest

from echoic.api.openapi import DocumentedApi
from echoic.compose import Components
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.transcripts import transcripts
from echoic.errors import MediaUnreadable
from echoic.intake.held_requests import Begun
from echoic.openai_api import streaming
from echoic.openai_api.fields import read_fields
from echoic.openai_api.form import SpeechForm
from echoic.pipeline.stage import StageOutput
from echoic.reading import held
from echoic.records import Transcription
from tests.api.uploading import AUDIO
from tests.factories import ENGINE, World, segment
from tests.waiting import until


async def test_pieces_are_told_while_others_are_still_to_come(components: Components, world: World) -> None:
    tenant = await world.tenant()
    said = [segment("first piece", start=0.0), segment("second piece", start=10.0)]
    async with components.database.transaction() as session:
        blob = await items.create_blob(session, key="00/00/aa", size_bytes=1, sha256="0")
        item = await items.create_item(
            session, dataset_id=tenant.dataset_id, title="Talk", status="stored", audio_blob_id=blob.id
        )
        run = await components.runs.start(session, item)
    await _complete(components, run.id, "decode")
    async with components.database.transaction() as session:
        await components.runs.claim(session, run_id=run.id, stage="transcribe", worker="test")
        piece: dict[str, Any] = {"speaker": None, "transcription": {"segments": [_told(said[0])]}}
        await runs.save_checkpoint(session, run_id=run.id, stage="transcribe", part=0, payload=piece)
    asked = read_fields(SpeechForm(file_name="", fields=[("stream", "true")]), "transcribe")
    frames = streaming.events(components, Begun(item_id=item.id, run_id=run.id), asked, held.TRANSCRIBE, held.sleep)
    assert b"accepted" in await anext(frames)
    assert b'"delta": "first piece"' in await anext(frames)
    whole = Transcription(segments=tuple(said), language="en", language_probability=1.0)

    async def write(session: Any) -> None:
        await transcripts.create_transcript(session, item_id=item.id, run_id=run.id, transcription=whole, engine=ENGINE)

    await _complete(components, run.id, "transcribe", StageOutput(write=write))
    rest = b"".join([frame async for frame in frames])
    assert b'"delta": " second piece"' in rest
    assert b'"delta": "first piece"' not in rest
    assert b'"text": "first piece second piece"' in rest
    assert rest.endswith(b"data: [DONE]\n\n")


async def test_a_failure_after_the_status_is_an_event(components: Components, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="queued")
    async with components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        await components.runs.cancel(session, item_id)
    asked = read_fields(SpeechForm(file_name="", fields=[("stream", "true")]), "transcribe")
    frames = streaming.events(components, Begun(item_id=item_id, run_id=run.id), asked, held.TRANSCRIBE, held.sleep)
    told = b"".join([frame async for frame in frames])
    assert b'"code": "transcription_cancelled"' in told
    assert told.endswith(b"data: [DONE]\n\n")


def _told(said: Any) -> dict[str, Any]:
    return {"start": said.start, "end": said.end, "text": said.text, "words": []}


async def _complete(components: Components, run_id: int, stage: str, output: StageOutput | None = None) -> None:
    async with components.database.transaction() as session:
        claimed = await components.runs.claim(session, run_id=run_id, stage=stage, worker="test")
        assert claimed is not None
        await components.runs.complete(session, claimed, output or StageOutput(), seconds=0.1)


async def _first_run(components: Components) -> int:
    found: list[int] = []

    async def is_there() -> bool:
        async with components.database.transaction() as session:
            run = await runs.newest_run(session, 1)
            found.extend([] if run is None else [run.id])
        return bool(found)

    await until(is_there, "the run is committed")
    return found[0]


@pytest.mark.parametrize("end", ["stopping", "cancelled", "failed", "deleted"])
async def test_a_waiting_request_ends_as_its_run_does(
    client: httpx.AsyncClient, app: DocumentedApi, components: Components, world: World, end: str
) -> None:
    tenant = await world.tenant()
    asking = asyncio.create_task(
        client.post("/v1/audio/transcriptions", files={"file": ("talk.flac", AUDIO)}, headers=tenant.headers)
    )
    run_id = await _first_run(components)
    async with components.database.transaction() as session:
        if end == "cancelled":
            await components.runs.cancel(session, 1)
        elif end == "deleted":
            await items.delete_item(session, 1)
        elif end == "failed":
            claimed = await components.runs.claim(session, run_id=run_id, stage="decode", worker="test")
            assert claimed is not None
            await components.runs.fail(session, claimed, MediaUnreadable("The file is broken."), seconds=0.1)
    if end == "stopping":
        app.state.stopping.set()
    answer = await asking
    error = answer.json()["error"]
    expected = {
        "stopping": (503, "server_stopping"),
        "cancelled": (409, "transcription_cancelled"),
        "failed": (400, "media_unreadable"),
        "deleted": (404, "item_not_found"),
    }
    assert (answer.status_code, error["code"]) == expected[end]
    assert ("Retry-After" in answer.headers) == (end == "stopping")
    async with components.database.transaction() as session:
        run = await runs.get_run(session, run_id)
    assert (run is not None and run.active) == (end == "stopping")


async def test_who_may_not_read_the_original_is_refused_before_the_body(
    client: httpx.AsyncClient, components: Components, world: World
) -> None:
    policy = {"kinds": ["phone"], "words": [], "original_roles": []}
    tenant = await world.tenant(redaction=policy)
    answer = await client.post("/v1/audio/transcriptions", files={"file": ("talk.flac", AUDIO)}, headers=tenant.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "original_withheld")
