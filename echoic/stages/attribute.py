"""Attribute: words and segments get their speaker, and segments end where the speaker changes."""

import asyncio

from echoic.db.speakers import diarizations
from echoic.db.transcripts import transcripts
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.stages.tools import Tools
from echoic.stages.transcript import open_transcript
from echoic.voices.attribution import attribute


async def run(context: StageContext[Tools]) -> StageOutput:
    """Give each word of the transcript to the speaker of its time.

    Nothing changes where there is no diarization, or where each channel has its speaker already.
    """
    stored = await open_transcript(context)
    transcript_id = stored.transcript.id
    if any(segment.speaker is not None for segment in stored.segments):
        return StageOutput(output={"skipped": "each channel has its speaker"})
    async with context.tools.database.transaction() as session:
        diarization = await diarizations.load_diarization(session, transcript_id)
    if diarization is None:
        return StageOutput(output={"skipped": "no diarization"})
    segments = [transcripts.as_record(segment) for segment in stored.segments]
    attributed = await asyncio.to_thread(attribute, segments, diarization.exclusive)
    return StageOutput(
        output={"segments_before": len(segments), "segments": len(attributed)},
        write=lambda session: transcripts.replace_segments(session, transcript_id, attributed),
    )
