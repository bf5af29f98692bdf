"""Identify: each voice is kept as a voiceprint, and a voice that the library knows gets its name."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.speakers import diarizations, voiceprints
from echoic.db.speakers.speakers import lock_voices
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import Audio, Diarization, KnownVoice, Voiceprint, VoiceVector
from echoic.stages.audio import open_decoded
from echoic.stages.options import KNOWN_VOICES, RunOptions
from echoic.stages.tools import Tools
from echoic.stages.transcript import transcript_id_of
from echoic.voices.matching import match_voices
from echoic.voices.recognition import recognize
from echoic.voices.voiceprints import join_voices, stretches_alone


async def run(context: StageContext[Tools]) -> StageOutput:
    """Keep the voiceprints of the speakers who speak alone for long enough, and match them with known voices.

    Nothing is kept for a dataset that does not identify speakers, or of a temporary item. Where the run was given voices,
    the result says who of them speaks under which label, and the run forgets them.
    """
    async with context.tools.database.transaction() as session:
        transcript_id = await transcript_id_of(session, context.run_id)
        diarization = await diarizations.load_diarization(session, transcript_id)
        dataset = await items.dataset_of_item(session, context.item_id)
        item = await items.get_item(session, context.item_id)
    if diarization is None:
        return StageOutput(output={"skipped": "no diarization"})
    given = RunOptions.from_json(context.options).known_voices
    keeps = item is not None and item.keep_seconds is None and dataset is not None and dataset.identify_speakers
    if not keeps and not given:
        return StageOutput(output={"skipped": "the dataset does not identify speakers"})
    voices = await _voices(context, diarization)
    engine = context.tools.engines.voice_encoder.id.label

    async def write(session: AsyncSession) -> None:
        await runs.forget_option(session, context.run_id, KNOWN_VOICES)
        if not keeps:
            return
        present = await items.dataset_of_item(session, context.item_id)
        if present is None:
            raise StageInternalError("The item is gone.")
        await lock_voices(session, present.library_id)
        if await libraries.identifies_speakers(session, present.id):  # It may have been switched off meanwhile.
            await voiceprints.keep_voices(
                session, item_id=context.item_id, transcript_id=transcript_id, voices=voices, engine=engine
            )
            await recognize(session, present.library_id, [transcript_id])

    return StageOutput(
        output={
            "speakers": len(diarization.speakers),
            "voiceprints": len(voices),
            "engine": engine,
            "known": names_of_known(voices, given, engine=engine),
        },
        write=write,
    )


def names_of_known(voices: Mapping[str, Voiceprint], given: Sequence[KnownVoice], *, engine: str) -> dict[str, str]:
    """Return who of the people given surely speaks under which label. Pure."""
    known = {
        number: Voiceprint(vector=np.asarray(one.vector, dtype=np.float32), seconds=one.seconds)
        for number, one in enumerate(given)
        if one.engine == engine
    }
    return {label: given[match.speaker_id].name for label, match in match_voices(voices, known).items() if match.sure}


async def _voices(context: StageContext[Tools], diarization: Diarization) -> dict[str, Voiceprint]:
    audio = await open_decoded(context)
    lease = context.tools.engines.voice_encoder

    def embed(samples: Audio) -> VoiceVector:
        with lease.use() as encoder:
            return encoder.embed(samples)

    heard: dict[str, list[tuple[VoiceVector, float]]] = defaultdict(list)
    for stretch in stretches_alone(diarization):
        await context.progress(stretch.start)
        samples = await audio.read_between(stretch.start, stretch.end)
        heard[stretch.speaker].append((await asyncio.to_thread(embed, samples), stretch.end - stretch.start))
    joined = {label: join_voices(parts) for label, parts in heard.items()}
    return {label: voiceprint for label, voiceprint in joined.items() if voiceprint is not None}
