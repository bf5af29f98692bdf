"""Decode: the uploaded file becomes mono 16 kHz PCM in storage, which later stages read piece by piece."""

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import items, minutes
from echoic.engines.media import MediaLimits, decode
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.stages.audio import BYTES_PER_SECOND
from echoic.stages.tools import Tools
from echoic.storage.blobs import BlobReader, StoredBlob


async def run(context: StageContext[Tools]) -> StageOutput:
    """Decode the item's audio in a limited child process, straight into a staged blob."""
    tools = context.tools
    async with tools.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        audio = await items.get_blob(session, item.audio_blob_id) if item else None
    if audio is None:
        raise StageInternalError("The item or its audio is gone.")
    source = BlobReader(tools.blobs, audio.key, audio.size_bytes)
    async with tools.blobs.stage() as staged:

        async def keep(pcm: bytes) -> None:
            await staged.write(pcm)
            await context.progress(staged.size_bytes / BYTES_PER_SECOND)

        info = await decode(source, MediaLimits.from_settings(tools.settings), on_audio=keep)
        decoded = await staged.finish()
    duration_seconds = decoded.size_bytes / BYTES_PER_SECOND
    return StageOutput(
        output={
            "container": info.container,
            "codec": info.codec,
            "sample_rate": info.sample_rate,
            "channels": info.channels,
            "duration_seconds": duration_seconds,
        },
        audio_seconds=duration_seconds,
        write=lambda session: _write(session, context, decoded, duration_seconds),
    )


async def _write(
    session: AsyncSession, context: StageContext[Tools], decoded: StoredBlob, duration_seconds: float
) -> None:
    item = await items.get_item(session, context.item_id)
    if item is None:
        raise StageInternalError("The item is gone.")
    blob = await items.create_blob(session, key=decoded.key, size_bytes=decoded.size_bytes, sha256=decoded.sha256)
    item.decoded_blob_id = blob.id
    item.duration_seconds = duration_seconds
    await minutes.correct(session, run_id=context.run_id, seconds=duration_seconds)
