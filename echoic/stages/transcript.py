"""Opens the transcript of a run for the stages after transcribe."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.transcripts import transcripts
from echoic.db.transcripts.transcripts import Segment, Transcript
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext
from echoic.stages.tools import Tools


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTranscript:
    """A run's transcript with its segments in order."""

    transcript: Transcript
    segments: list[Segment]


async def transcript_id_of(session: AsyncSession, run_id: int) -> int:
    """Return the id of the transcript that the transcribe stage of a run stored."""
    transcript = await transcripts.transcript_of_run(session, run_id)
    if transcript is None:
        raise StageInternalError("The run has no transcript.")
    return transcript.id


async def open_transcript(context: StageContext[Tools]) -> StoredTranscript:
    """Open the transcript that the transcribe stage of this run stored."""
    async with context.tools.database.transaction() as session:
        transcript = await transcripts.transcript_of_run(session, context.run_id)
        if transcript is None:
            raise StageInternalError("The run has no transcript.")
        return StoredTranscript(transcript=transcript, segments=await transcripts.list_segments(session, transcript.id))
