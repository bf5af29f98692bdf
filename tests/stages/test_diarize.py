"""Who speaks when, stage by stage: what is stored, what the options do, and that a word to stop is heard."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from echoic.compose import Components
from echoic.db.items import items
from echoic.db.speakers import diarizations
from echoic.db.transcripts import transcripts
from echoic.pipeline.stage import StageContext, StopRequested
from echoic.records import Diarization, Segment
from echoic.stages import attribute, diarize
from echoic.stages.tools import Tools
from echoic.units import SAMPLE_RATE
from tests.factories import World, segment
from tests.stages.conftest import MakeContext, completed
from tests.stages.tones import HIGH, LOW, MIDDLE, tones


async def stored(components: Components, context: StageContext[Tools]) -> Diarization | None:
    async with components.database.transaction() as session:
        transcript = await transcripts.transcript_of_run(session, context.run_id)
        assert transcript is not None
        return await diarizations.load_diarization(session, transcript.id)


async def segments_of(components: Components, context: StageContext[Tools]) -> Sequence[Segment]:
    async with components.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        assert item is not None
        found = await transcripts.load_transcript(session, item)
        assert found is not None
        return found.transcript.segments


async def test_turns_are_stored_in_both_answers_with_the_engine(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(tones(LOW, MIDDLE, LOW), [segment("one two three")])
    output = await completed(context, diarize.run)
    assert output == {"speakers": 2, "turns": 3, "engine": "fake/pitch@1"}
    found = await stored(components, context)
    assert found is not None
    assert found.speakers == ("SPEAKER_00", "SPEAKER_01")
    assert found.turns == found.exclusive
    assert [(turn.start, turn.end, turn.speaker) for turn in found.turns] == [
        (0.0, 2.0, "SPEAKER_00"),
        (2.0, 4.0, "SPEAKER_01"),
        (4.0, 6.0, "SPEAKER_00"),
    ]


async def test_what_the_request_says_of_the_number_of_speakers_counts_before_what_the_dataset_says(
    components: Components, make_context: MakeContext, world: World
) -> None:
    dataset_id = (await world.tenant(max_speakers=2)).dataset_id
    audio, said = tones(LOW, MIDDLE, HIGH), [segment("one two three")]
    from_dataset = await make_context(audio, said, dataset_id=dataset_id)
    assert (await completed(from_dataset, diarize.run))["speakers"] == 2
    from_request = await make_context(audio, said, dataset_id=dataset_id, num_speakers=1)
    assert (await completed(from_request, diarize.run))["speakers"] == 1
    more = await make_context(audio, said, dataset_id=dataset_id, min_speakers=3)
    assert (await completed(more, diarize.run))["speakers"] == 3, "the dataset's maximum does not go with it"


async def test_a_word_to_stop_ends_the_work_soon_and_stores_nothing(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(tones(LOW, MIDDLE, seconds=60), [segment("one")])
    heard: list[float] = []

    async def stop_at_ten_seconds(seconds: float) -> None:
        heard.append(seconds)
        if seconds >= 10:
            raise StopRequested

    with pytest.raises(StopRequested):
        await diarize.run(replace(context, progress=stop_at_ten_seconds))
    assert heard[-1] == 10
    assert await stored(components, context) is None


async def test_segments_are_cut_where_the_speaker_changes_and_numbered_anew(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(
        tones(LOW, MIDDLE, LOW), [segment("a b c d e f g h", start=0.0), segment("i j k l", start=4.0)]
    )
    await completed(context, diarize.run)
    assert await completed(context, attribute.run) == {"segments_before": 2, "segments": 3}
    segments = await segments_of(components, context)
    assert [(each.position, each.speaker, each.text) for each in segments] == [
        (0, "SPEAKER_00", "a b c d"),
        (1, "SPEAKER_01", "e f g h"),
        (2, "SPEAKER_00", "i j k l"),
    ]
    assert all(word.speaker == each.speaker for each in segments for word in each.words)
    assert all(before.end <= after.start for before, after in pairwise(segments))


async def test_where_the_speakers_were_not_told_apart_the_transcript_stays_as_it_is(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(tones(LOW), [segment("one two three")])
    before = await segments_of(components, context)
    assert await completed(context, attribute.run) == {"skipped": "no diarization"}
    assert await segments_of(components, context) == before


async def test_silence_has_no_speakers_and_an_empty_transcript_stays_empty(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(bytes(2 * SAMPLE_RATE), [])
    assert (await completed(context, diarize.run))["speakers"] == 0
    assert await completed(context, attribute.run) == {"segments_before": 0, "segments": 0}
