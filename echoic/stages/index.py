"""Index: the transcript's segments become findable by word."""

from echoic.db.search import index_write
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.stages.tools import Tools
from echoic.stages.transcript import transcript_id_of


async def run(context: StageContext[Tools]) -> StageOutput:
    """Write the search entries of the run's transcript."""
    async with context.tools.database.transaction() as session:
        transcript_id = await transcript_id_of(session, context.run_id)
    return StageOutput(write=lambda session: index_write.index_transcript(session, transcript_id=transcript_id))
