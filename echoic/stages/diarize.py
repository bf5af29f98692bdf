"""Diarize: the voices in the recording are told apart; nobody has a name yet."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.speakers import diarizations
from echoic.engines.protocols import DiarizeOptions
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import Diarization
from echoic.stages.audio import DecodedAudio, blocking_reader, open_decoded
from echoic.stages.channels import turns_by_channel
from echoic.stages.options import RunOptions
from echoic.stages.tools import Tools
from echoic.stages.transcript import transcript_id_of


async def run(context: StageContext[Tools]) -> StageOutput:
    """Tell the speakers of the decoded audio apart. It is read in windows, so that memory stays flat."""
    audio = await open_decoded(context)
    if audio.voices:
        found = await turns_by_channel(context, audio.voices)
        engine = context.tools.engines.speech_detector.id
    else:
        found = await _diarize(context, audio, RunOptions.from_json(context.options).to_diarize)
        engine = context.tools.engines.diarizer.id

    async def write(session: AsyncSession) -> None:
        transcript_id = await transcript_id_of(session, context.run_id)
        await diarizations.store_diarization(session, transcript_id=transcript_id, diarization=found, engine=engine)

    return StageOutput(
        output={"speakers": len(found.speakers), "turns": len(found.turns), "engine": engine.label},
        audio_seconds=audio.duration_seconds,
        write=write,
    )


async def _diarize(context: StageContext[Tools], audio: DecodedAudio, options: DiarizeOptions) -> Diarization:
    loop = asyncio.get_running_loop()

    def report(seconds: float) -> None:
        # An error raised here passes through the engine and ends the stage, as after a cancel.
        asyncio.run_coroutine_threadsafe(context.progress(seconds), loop).result()

    def work() -> Diarization:
        with context.tools.engines.diarizer.use() as diarizer:
            return diarizer.diarize(
                blocking_reader(audio, loop), audio.duration_seconds, options=options, on_progress=report
            )

    return await asyncio.to_thread(work)
