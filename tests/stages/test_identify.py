"""Voices kept, recognized and forgotten: the stage, and the looking through of a library."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.speakers import speakers, voiceprints
from echoic.records import Voiceprint
from echoic.stages import diarize, identify
from echoic.voices.recognition import recognize_all
from tests.factories import World
from tests.stages.conftest import MakeContext, completed
from tests.stages.tones import HIGH, LOW, MIDDLE, tones
from tests.stages.voices import SAID, count, enrol, heard, labels


async def test_each_voice_is_kept_once_with_the_engine_and_the_speech_it_is_made_of(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    context = await heard(make_context, tenant, LOW, MIDDLE, LOW)
    await completed(context, identify.run)
    async with components.database.transaction() as session:
        rows = (await session.execute(text("SELECT engine, seconds FROM voiceprints ORDER BY id"))).all()
    assert [tuple(row) for row in rows] == [("fake/spectrum@1", 8.0), ("fake/spectrum@1", 4.0)]


async def test_an_enrolled_voice_is_recognized_in_what_comes_later_and_in_what_came_before(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    before = await heard(make_context, tenant, MIDDLE, LOW)
    enrolled = await heard(make_context, tenant, LOW, HIGH)
    assert await labels(components, before) == {"SPEAKER_00": (None, None), "SPEAKER_01": (None, None)}
    await enrol(components, enrolled, "SPEAKER_00", "Anna", tenant)
    later = await heard(make_context, tenant, MIDDLE, LOW)
    assert await labels(components, later) == {"SPEAKER_00": (None, None), "SPEAKER_01": ("Anna", "matched")}
    await recognize_all(components.database, library_id=tenant.library_id)
    assert await labels(components, before) == {"SPEAKER_00": (None, None), "SPEAKER_01": ("Anna", "matched")}
    assert await labels(components, enrolled) == {"SPEAKER_00": ("Anna", "enrolled"), "SPEAKER_01": (None, None)}


async def test_a_voice_is_not_recognized_in_another_library_nor_by_another_engine(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant, other = await world.tenant(), await world.tenant("Other")
    enrolled = await heard(make_context, tenant, LOW)
    elsewhere = await heard(make_context, other, LOW)
    here = await heard(make_context, tenant, LOW)
    await enrol(components, enrolled, "SPEAKER_00", "Anna", tenant)
    async with components.database.transaction() as session:
        await session.execute(
            text("UPDATE voiceprints SET engine = 'older' WHERE id = (SELECT min(id) FROM voiceprints)")
        )
    for library_id in (tenant.library_id, other.library_id):
        await recognize_all(components.database, library_id=library_id)
    assert await labels(components, here) == {"SPEAKER_00": (None, None)}
    assert await labels(components, elsewhere) == {"SPEAKER_00": (None, None)}


async def test_what_a_person_said_is_never_changed_by_a_voice(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    enrolled, other = [await heard(make_context, tenant, LOW) for _ in range(2)]
    await enrol(components, enrolled, "SPEAKER_00", "Anna", tenant)
    await enrol(components, other, "SPEAKER_00", "Berta", tenant)
    await recognize_all(components.database, library_id=tenant.library_id)
    assert await labels(components, enrolled) == {"SPEAKER_00": ("Anna", "enrolled")}
    third = await heard(make_context, tenant, LOW)
    assert await labels(components, third) == {"SPEAKER_00": (None, None)}, "it may be either"


async def test_unlearning_takes_away_the_names_that_came_from_the_voice_and_finds_the_next_best(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    enrolled = await heard(make_context, tenant, LOW)
    anna = await enrol(components, enrolled, "SPEAKER_00", "Anna", tenant)
    matched = await heard(make_context, tenant, LOW)
    async with components.database.transaction() as session:
        await speakers.forget_voice(session, anna)
    assert await count(components) == 1
    assert await labels(components, matched) == {"SPEAKER_00": (None, None)}
    assert await labels(components, enrolled) == {"SPEAKER_00": ("Anna", "by_hand")}
    async with components.database.transaction() as session:
        berta = await speakers.create_speaker(session, library_id=tenant.library_id, name="Berta")
        vector = np.array(await session.scalar(text("SELECT vector::real[] FROM voiceprints")), dtype=np.float32)
        await voiceprints.keep_clip(
            session,
            speaker_id=berta.id,
            voiceprint=Voiceprint(vector=vector, seconds=5.0),
            engine="fake/spectrum@1",
        )
    await recognize_all(components.database, library_id=tenant.library_id)
    assert await labels(components, matched) == {"SPEAKER_00": ("Berta", "matched")}


async def test_a_deleted_speaker_leaves_no_vector_behind(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    enrolled = await heard(make_context, tenant, LOW, HIGH)
    anna = await enrol(components, enrolled, "SPEAKER_00", "Anna", tenant)
    await heard(make_context, tenant, LOW)
    assert await count(components) == 3
    async with components.database.transaction() as session:
        await speakers.delete_speaker(session, anna)
    assert await count(components) == 1, "that of the other voice"
    assert await labels(components, enrolled) == {"SPEAKER_00": (None, None), "SPEAKER_01": (None, None)}


async def test_a_dataset_that_identifies_nobody_keeps_no_voice(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant(identify_speakers=False)
    context = await heard(make_context, tenant, LOW)
    assert await completed(context, identify.run) == {"skipped": "the dataset does not identify speakers"}
    assert await count(components) == 0


async def test_a_dataset_that_decides_so_while_voices_are_heard_keeps_none(
    components: Components, make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant()
    context = await make_context(tones(LOW, seconds=4.0), SAID, dataset_id=tenant.dataset_id)
    await completed(context, diarize.run)
    output = await identify.run(context)
    assert output.write is not None
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE datasets SET identify_speakers = false"))
    async with components.database.transaction() as session:
        await output.write(session)
    assert await count(components) == 0


async def test_without_a_diarization_nobody_is_identified(components: Components, make_context: MakeContext) -> None:
    context = await make_context(tones(LOW), SAID)
    assert await completed(context, identify.run) == {"skipped": "no diarization"}


@pytest.mark.parametrize("kind", ["vector", "real[]"])
async def test_voices_are_compared_with_and_without_pgvector(
    components: Components, make_context: MakeContext, world: World, as_owner: Callable[..., None], kind: str
) -> None:
    if kind == "real[]":
        as_owner("ALTER TABLE voiceprints ALTER vector TYPE real[] USING vector::real[]")
    async with components.database.transaction() as session:
        found: Any = await session.scalar(
            text(
                "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'voiceprints'::regclass AND attname = 'vector'"
            )
        )
    assert found == kind
    tenant = await world.tenant()
    await enrol(components, await heard(make_context, tenant, LOW), "SPEAKER_00", "Anna", tenant)
    assert await labels(components, await heard(make_context, tenant, LOW)) == {"SPEAKER_00": ("Anna", "matched")}
