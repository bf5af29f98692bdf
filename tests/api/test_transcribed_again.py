"""An item transcribed again: what people corrected is carried over or named, and every former version stays."""

from dataclasses import replace

import httpx
from sqlalchemy import update

from echoic.compose import Components
from echoic.db.runs import runs
from echoic.db.runs.runs import PipelineRun, StageResult
from echoic.db.transcripts import transcripts
from echoic.records import Segment, Transcription
from echoic.stages import index, publish
from tests.api.people import A, Asking, called, talk_of_two
from tests.api.talk import Talk, talk_of
from tests.factories import ENGINE, World, segment, talk
from tests.stage_contexts import stage_context


async def transcribe_again(components: Components, said: Talk, *segments: Segment, language: str = "en") -> None:
    """Another run of the item, as its stages end it."""
    async with components.database.transaction() as session:
        await session.execute(update(PipelineRun).values(state="succeeded"))
        run = await runs.create_run(session, item_id=said.item_id, stage="index", priority=100, options={})
        heard = Transcription(segments=segments, language=language, language_probability=1.0)
        await transcripts.create_transcript(
            session, item_id=said.item_id, run_id=run.id, transcription=heard, engine=ENGINE
        )

    context = stage_context(components, run_id=run.id, item_id=said.item_id)
    for name, stage in (("index", index.run), ("publish", publish.run)):
        output = await stage(context)
        assert output.write is not None
        async with components.database.transaction() as session:
            notices = [*output.notices, *(await output.write(session) or ())]
            kept = [notice.to_object() for notice in notices]
            session.add(
                StageResult(run_id=run.id, stage=name, version=1, output={}, attempt=1, seconds=0.0, notices=kept)
            )
            await session.execute(update(PipelineRun).values(state="succeeded"))


async def history(said: Talk) -> list[tuple[int, str, int | None]]:
    versions = (await said.versions())["versions"]
    return [(each["version"], each["kind"], each["restores"]) for each in versions]


async def test_the_former_transcript_with_its_versions_can_be_read_and_restored(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    said = await talk_of(client, world, "We met jon.", "Good buy.")
    await said.change_one(1, text="Goodbye.")
    former = await said.read()
    await transcribe_again(components, said, *talk("We met her.", "Good night."))
    assert await said.texts() == ["We met her.", "Good night."]
    assert await history(said) == [(2, "transcription", None), (1, "correction", None)]
    assert (await said.versions())["versions"][0]["author"] is None
    assert await said.texts("?version=0") == ["We met jon.", "Good buy."]
    read = await said.read("?version=1")
    assert read["segments"] == former["segments"]
    assert (await said.versions("/1"))["changes"][0]["text_after"] == "Goodbye."
    assert await said.found("goodbye") == []

    answer = await said.post("versions/1/restore")
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    now = await said.read()
    assert (now["version"], now["segments"]) == (3, former["segments"])
    assert await said.found("goodbye") == ["Goodbye."]
    assert await said.found("night") == []
    assert await said.texts("?version=2") == ["We met her.", "Good night."]
    assert await history(said) == [(3, "correction", 1), (2, "transcription", None), (1, "correction", None)]

    assert (await said.post("versions/2/restore")).json()["version"] == 4
    assert await said.texts() == ["We met her.", "Good night."]
    assert await said.found("goodbye") == []
    assert await said.texts("?version=3") == ["We met jon.", "Goodbye."]
    assert (await said.post("versions/0/restore")).json()["version"] == 5
    assert await said.texts() == ["We met jon.", "Good buy."]
    assert (await client.get(f"{said.path}?version=6", headers=said.tenant.headers)).status_code == 404


async def test_corrections_are_made_again_where_the_new_transcript_says_the_same_and_named_where_not(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    said = await talk_of(client, world, "We met jon.", "Good buy.")
    await said.change({"id": 0, "text": "We met Joan."}, {"id": 1, "text": "Goodbye."})
    await transcribe_again(components, said, segment("And we met jon."), segment("Thank you.", start=10.0))
    assert await said.texts() == ["And we met Joan.", "Thank you."]
    assert await history(said) == [(3, "carried_over", None), (2, "transcription", None), (1, "correction", None)]
    assert await said.texts("?version=2") == ["And we met jon.", "Thank you."]
    assert await said.found("joan") == ["And we met Joan."]
    (notice,) = (await said.read())["notices"]
    assert notice["code"] == "corrections_not_carried"
    assert notice["detail"] == {
        "version": 1,
        "texts": 1,
        "speakers": 0,
        "segments": [{"id": 1, "start": 10.0, "end": 11.0}],
    }

    # Once more: the corrections carried over are people's words, too.
    await transcribe_again(components, said, segment("Now we met jon."))
    assert await said.texts() == ["Now we met Joan."]


async def test_speakers_that_people_gave_to_segments_are_given_again_and_named_where_not(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    await said.change({"id": 0, "speaker": "Joan Weber"}, {"id": 1, "speaker": None})
    split = {"segments": [2], "name": "Ben"}
    await ask("POST", f"/api/items/{said.item_id}/speakers/{A}/split", 201, json=split)
    before = (await said.read())["segments"]
    heard = [segment(f"word {n} here", start=10.0 * n, speaker=(A, "SPEAKER_01")[n % 2]) for n in range(4)]
    await transcribe_again(components, said, *heard)
    assert await called(said) == ["Joan Weber", None, "Ben", "SPEAKER_01"]
    assert (await said.read())["notices"] == []

    await transcribe_again(components, said, replace(segment("All in one.", speaker=A), end=before[-1]["end"]))
    (notice,) = (await said.read())["notices"]
    assert (notice["detail"]["texts"], notice["detail"]["speakers"]) == (0, 3)
    assert [left["id"] for left in notice["detail"]["segments"]] == [0, 1, 2]


async def test_an_edit_that_expects_a_version_of_the_former_transcript_is_refused(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    said = await talk_of(client, world, "We met jon.")
    await said.change_one(0, text="We met Joan.")
    await transcribe_again(components, said, *talk("We met her."))
    answer = await said.change_one(0, text="We met them.", version=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "transcript_changed")


async def test_names_of_the_former_transcript_stay_with_it_and_come_back_with_it(
    ask: Asking, world: World, components: Components
) -> None:
    said = await talk_of_two(ask, world, components)
    await ask.name(said.item_id, A, "Anna")
    before = await called(said)
    await transcribe_again(components, said, segment("Hello there.", start=500.0, speaker=A))
    assert await called(said) == [A]
    assert await called(said, "?version=1") == before
    await said.post("versions/1/restore")
    assert await called(said) == before


async def test_a_published_item_is_transcribed_again_only_when_that_is_said(
    client: httpx.AsyncClient, world: World
) -> None:
    said = await talk_of(client, world, "We met jon.")
    path = f"/api/items/{said.item_id}/transcribe"
    refused = await client.post(path, headers=said.tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "run_not_active")
    assert '"again": true' in refused.json()["message"]
    assert (await client.post(path, headers=said.tenant.headers, json={"again": True})).status_code == 200
