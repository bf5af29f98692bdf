"""Publish: the item gets this run's transcript, and the decoded audio is deleted.

It is the last stage; the run that succeeds with it makes the item visible.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.corrections.carry_over import carry_over
from echoic.db.items import items
from echoic.db.items.items import Item
from echoic.db.speakers.speakers import lock_voices
from echoic.db.transcripts import transcripts
from echoic.db.transcripts.corrections import write_version
from echoic.db.transcripts.transcripts import Transcript
from echoic.errors import StageInternalError
from echoic.notices import Notice
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.stages.options import RunOptions
from echoic.stages.tools import Tools
from echoic.voices.recognition import recognize
from echoic.voices.relabelling import keep_names

SECONDS_PER_MINUTE = 60.0


async def run(context: StageContext[Tools]) -> StageOutput:
    """Give the item the run's transcript; the decoded bytes are deleted once that is committed."""
    tools = context.tools
    async with tools.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        decoded = await items.get_blob(session, item.decoded_blob_id) if item and item.decoded_blob_id else None

    async def delete_decoded() -> None:
        if decoded is not None:
            await tools.blobs.delete(decoded.key)

    return StageOutput(
        write=lambda session: _write(session, context.item_id, context.run_id),
        after_commit=delete_decoded,
        notices=_temporary(item, RunOptions.from_json(context.options).without_stages),
    )


def _temporary(item: Item | None, without_stages: Sequence[str]) -> list[Notice]:
    if item is None or item.keep_seconds is None:
        return []
    minutes = item.keep_seconds / SECONDS_PER_MINUTE
    message = (
        f"The recording was sent to be transcribed only: it is deleted {minutes:g} minutes after its transcription."
    )
    return [
        Notice(
            code="temporary", message=message, detail={"keep_minutes": minutes, "without_stages": list(without_stages)}
        )
    ]


async def _write(session: AsyncSession, item_id: int, run_id: int) -> list[Notice]:
    await items.lock_item(session, item_id)  # nobody corrects the former transcript from here on
    item = await items.get_item(session, item_id)
    transcript = await transcripts.transcript_of_run(session, run_id)
    if item is None or transcript is None:
        raise StageInternalError("The item or its transcript is gone.")
    former = await transcripts.transcript_of(session, item)
    transcripts.make_present(item, transcript)
    notices: list[Notice] = []
    if former is not None and former.id != transcript.id:
        notices = await _take_over(session, item, former=former, transcript=transcript)
    await items.drop_decoded(session, item)
    return notices


async def _take_over(session: AsyncSession, item: Item, *, former: Transcript, transcript: Transcript) -> list[Notice]:
    """Make the transcript the former one's next version, with what people said of and in that."""
    dataset = await items.dataset_of_item(session, item.id)
    if dataset is None:
        raise StageInternalError("The item's dataset is gone.")
    await lock_voices(session, dataset.library_id)
    await transcripts.go_on_from(session, transcript, version=former.version)
    await write_version(session, transcript, [], labels=[], account_id=None, kind="transcription")
    await keep_names(session, item_id=item.id, before=former.id, after=transcript.id)
    # A person whose name was carried over may have been recognized under another label, too.
    await recognize(session, dataset.library_id, [transcript.id])
    return await carry_over(session, before=former, after=transcript)
