"""Index: the transcript's segments become findable by word."""

from echoic.db import search, transcripts
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.stages.tools import Tools


async def run(context: StageContext[Tools]) -> StageOutput:
    """Write the search entries of the run's transcript; all of it happens inside the database."""
    async with context.tools.database.transaction() as session:
        transcript = await transcripts.transcript_of_run(session, context.run_id)
    if transcript is None:
        raise StageInternalError("The run has no transcript.")
    return StageOutput(write=lambda session: search.index_transcript(session, transcript_id=transcript.id))
