"""Names that people gave outlive another transcription of the item, whatever the labels are called then."""

from dataclasses import replace

from sqlalchemy import text

from echoic.compose import Components
from echoic.db import runs
from echoic.db.items import get_item
from echoic.db.transcripts import create_transcript
from echoic.records import SpeakerTurn, Transcription
from echoic.stages import attribute, diarize, identify, publish
from echoic.stages.relabelling import same_speakers
from tests.factories import ENGINE, World
from tests.stages.conftest import MakeContext, completed
from tests.stages.test_diarize import LOW, MIDDLE
from tests.stages.test_identify import SAID, count, enrol, heard, labels


def turns(*each: tuple[str, float, float]) -> list[SpeakerTurn]:
    return [SpeakerTurn(speaker=speaker, start=start, end=end) for speaker, start, end in each]


def test_labels_are_the_same_person_where_they_speak_at_the_same_time() -> None:
    before = turns(("A", 0, 10), ("B", 10, 20), ("A", 20, 30))
    assert same_speakers(before, turns(("X", 0, 9), ("Y", 11, 21), ("X", 21, 30))) == {"X": "A", "Y": "B"}
    assert same_speakers(before, turns(("X", 0, 30))) == {"X": "A"}, "most of it was"
    assert same_speakers(before, turns(("X", 40, 50))) == {}
    assert same_speakers(before, turns(("X", 9, 10), ("X", 30, 40))) == {}, "hardly any of it was"


def test_of_two_new_labels_one_is_the_old() -> None:
    assert same_speakers(turns(("A", 0, 30)), turns(("X", 0, 10), ("Y", 10, 30))) == {"Y": "A"}


async def test_a_name_and_its_voice_stay_when_the_item_is_transcribed_again(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    first = await heard(make_context, tenant, LOW, MIDDLE)
    await enrol(components, first, "SPEAKER_01", "Anna", tenant)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE pipeline_queue SET state = 'succeeded'"))
        run = await runs.create_run(session, item_id=first.item_id, stage="diarize", priority=100, options={})
        again = Transcription(segments=tuple(SAID), language="en", language_probability=1.0)
        await create_transcript(session, item_id=first.item_id, run_id=run.id, transcription=again, engine=ENGINE)
        item = await get_item(session, first.item_id)
        assert item is not None
        old = item.transcript_id
    second = replace(first, run_id=run.id)
    for stage in (diarize, attribute, identify):
        await completed(second, stage.run)
    assert await labels(components, first) == {"SPEAKER_00": (None, None), "SPEAKER_01": ("Anna", "enrolled")}
    await completed(second, publish.run)
    assert await labels(components, second) == {"SPEAKER_00": (None, None), "SPEAKER_01": ("Anna", "enrolled")}
    assert await count(components) == 2, "each voice once"
    async with components.database.transaction() as session:
        left = await session.scalar(text("SELECT count(*) FROM item_speakers WHERE transcript_id = :old"), {"old": old})
    assert left == 0
