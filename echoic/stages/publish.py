"""Publish: the item becomes visible with this run's transcript, and the decoded audio is given up."""

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import items, runs, transcripts
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.stages.relabelling import keep_names
from echoic.stages.tools import Tools


async def run(context: StageContext[Tools]) -> StageOutput:
    """Set the item's state; the decoded bytes go once that is committed."""
    tools = context.tools
    async with tools.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        decoded = await items.get_blob(session, item.decoded_blob_id) if item and item.decoded_blob_id else None

    async def delete_decoded() -> None:
        if decoded is not None:
            await tools.blobs.delete(decoded.key)

    return StageOutput(
        write=lambda session: _write(session, context.item_id, context.run_id), after_commit=delete_decoded
    )


async def _write(session: AsyncSession, item_id: int, run_id: int) -> None:
    item = await items.get_item(session, item_id)
    transcript = await transcripts.transcript_of_run(session, run_id)
    if item is None or transcript is None:
        raise StageInternalError("The item or its transcript is gone.")
    if item.transcript_id is not None and item.transcript_id != transcript.id:
        await keep_names(session, item_id=item_id, before=item.transcript_id, after=transcript.id)
    item.status = "published"
    transcripts.make_present(item, transcript)
    item.published_at = await runs.now(session)
    decoded_blob_id, item.decoded_blob_id = item.decoded_blob_id, None
    await session.flush()
    if decoded_blob_id is not None:
        await items.delete_blob(session, decoded_blob_id)
