"""Names that people gave outlive another transcription of the item, whatever the labels are called then."""

from dataclasses import replace

from sqlalchemy import text

from echoic.compose import Components
from echoic.db.runs import runs
from echoic.db.speakers.appearances import namings_of
from echoic.db.speakers.speakers import names_of
from echoic.db.transcripts.transcripts import create_transcript, transcript_of_run
from echoic.pipeline.stage import StageContext
from echoic.records import Transcription
from echoic.stages import attribute, diarize, identify, publish
from echoic.stages.tools import Tools
from tests.factories import ENGINE, World
from tests.stages.conftest import MakeContext, completed
from tests.stages.tones import LOW, MIDDLE
from tests.stages.voices import SAID, count, enrol, heard, labels


async def again(components: Components, first: StageContext[Tools]) -> StageContext[Tools]:
    """Another run of the item, up to its voices."""
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE pipeline_queue SET state = 'succeeded'"))
        run = await runs.create_run(session, item_id=first.item_id, stage="diarize", priority=100, options={})
        said = Transcription(segments=tuple(SAID), language="en", language_probability=1.0)
        await create_transcript(session, item_id=first.item_id, run_id=run.id, transcription=said, engine=ENGINE)
    second = replace(first, run_id=run.id)
    for stage in (diarize, attribute, identify):
        await completed(second, stage.run)
    return second


async def test_a_name_and_its_voice_stay_when_the_item_is_transcribed_again(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    first = await heard(make_context, tenant, LOW, MIDDLE)
    await enrol(components, first, "SPEAKER_01", "Anna", tenant)
    second = await again(components, first)
    assert await labels(components, first) == {"SPEAKER_00": (None, None), "SPEAKER_01": ("Anna", "enrolled")}
    await completed(second, publish.run)
    assert await labels(components, second) == {"SPEAKER_00": (None, None), "SPEAKER_01": ("Anna", "enrolled")}
    assert await count(components) == 2, "each voice once"
    async with components.database.transaction() as session:
        former = await transcript_of_run(session, first.run_id)
        assert former is not None
        kept = await namings_of(session, former.id)
        names = await names_of(session, former.id)
    assert {label: naming.how for label, naming in kept.items()} == {"SPEAKER_00": None, "SPEAKER_01": "by_hand"}
    assert names == {"SPEAKER_01": "Anna"}, "the former transcript can still be read as people left it"


async def test_a_name_under_a_label_that_a_person_made_stays_when_the_item_is_transcribed_again(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    first = await heard(make_context, tenant, LOW, MIDDLE)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE segments SET speaker = 'SPEAKER_02' WHERE speaker = 'SPEAKER_01'"))
    await enrol(components, first, "SPEAKER_02", "Anna", tenant)
    second = await again(components, first)
    await completed(second, publish.run)
    assert await labels(components, second) == {"SPEAKER_00": (None, None), "SPEAKER_01": ("Anna", "by_hand")}


async def test_whoever_has_their_name_again_is_not_recognized_under_another_label(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    first = await heard(make_context, tenant, LOW, MIDDLE)
    anna = await enrol(components, first, "SPEAKER_00", "Anna", tenant)
    second = await again(components, first)
    async with components.database.transaction() as session:
        # Of two labels with one voice, the other was taken for her this time.
        transcript = await transcript_of_run(session, second.run_id)
        assert transcript is not None
        await session.execute(
            text(
                "UPDATE voiceprints SET vector = (SELECT vector FROM voiceprints JOIN item_speakers AS known "
                "ON known.id = item_speaker_id WHERE known.speaker_id = :anna AND known.how = 'enrolled') "
                "FROM item_speakers AS other WHERE other.id = item_speaker_id AND other.transcript_id = :transcript"
            ),
            {"anna": anna, "transcript": transcript.id},
        )
        await session.execute(
            text(
                "UPDATE item_speakers SET speaker_id = CASE label WHEN 'SPEAKER_01' THEN CAST(:anna AS bigint) END, "
                "how = CASE label WHEN 'SPEAKER_01' THEN 'matched' END WHERE transcript_id = :transcript"
            ),
            {"anna": anna, "transcript": transcript.id},
        )
    await completed(second, publish.run)
    assert await labels(components, second) == {"SPEAKER_00": ("Anna", "enrolled"), "SPEAKER_01": (None, None)}
