"""Decode: the uploaded file becomes 16 kHz PCM in storage, which later stages read piece by piece.

The blob holds the mix of all channels and, where a call was recorded with one voice a channel, after it each channel
alone, all of the same length.
"""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import items, minutes
from echoic.engines.media import MediaLimits, decode
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import ChannelBalance
from echoic.stages.audio import BYTES_PER_SECOND
from echoic.stages.tools import Tools
from echoic.storage.blobs import BlobReader, StagedBlob, StoredBlob

CHANNELS: tuple[Literal[0, 1], ...] = (0, 1)
MOST_BYTES_PER_SECOND = (1 + len(CHANNELS)) * BYTES_PER_SECOND
"""Of a call: the mix, and each channel alone."""
MIN_ALONE_SHARE = 0.8
"""Of the frames with sound, those in which one channel has it alone: crosstalk and talking at once take the rest."""
MIN_CHANNEL_SHARE = 0.02
"""Each channel has at least so much of it: a recording with one dead channel is no call."""
SILENCE_BYTES = BYTES_PER_SECOND


async def run(context: StageContext[Tools]) -> StageOutput:
    """Decode the item's audio in a limited child process, straight into a staged blob."""
    tools = context.tools
    async with tools.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        audio = await items.get_blob(session, item.audio_blob_id) if item else None
    if audio is None:
        raise StageInternalError("The item or its audio is gone.")
    source = BlobReader(tools.blobs, audio.key, audio.size_bytes)
    limits = MediaLimits.from_settings(tools.settings)
    async with tools.blobs.stage() as staged:

        async def keep(pcm: bytes) -> None:
            await staged.write(pcm)
            await context.progress(staged.size_bytes / BYTES_PER_SECOND)

        info = await decode(source, limits, on_audio=keep)
        track_bytes = staged.size_bytes
        is_call = has_a_voice_on_each_channel(info.balance)
        if is_call:
            for channel in CHANNELS:
                await _append_channel(context, source, limits, staged, channel=channel, track_bytes=track_bytes)
        decoded = await staged.finish()
    duration_seconds = track_bytes / BYTES_PER_SECOND
    return StageOutput(
        output={
            "container": info.container,
            "codec": info.codec,
            "sample_rate": info.sample_rate,
            "channels": info.channels,
            "tracks": decoded.size_bytes // track_bytes,
            "duration_seconds": duration_seconds,
        },
        audio_seconds=duration_seconds,
        write=lambda session: _write(session, context, decoded, duration_seconds),
    )


def has_a_voice_on_each_channel(balance: ChannelBalance) -> bool:
    """Whether nearly all sound is on one channel alone, now on this one, now on that. Pure."""
    if not balance.active:
        return False
    alone = (balance.first / balance.active, balance.second / balance.active)
    return sum(alone) >= MIN_ALONE_SHARE and min(alone) >= MIN_CHANNEL_SHARE


async def _append_channel(
    context: StageContext[Tools],
    source: BlobReader,
    limits: MediaLimits,
    staged: StagedBlob,
    *,
    channel: Literal[0, 1],
    track_bytes: int,
) -> None:
    """Write one channel after what is there, cut or filled with silence to the length of the mix."""
    left = track_bytes

    async def keep(pcm: bytes) -> None:
        nonlocal left
        await staged.write(pcm[:left])
        left -= len(pcm[:left])
        await context.progress((track_bytes - left) / BYTES_PER_SECOND)

    await decode(source, limits, on_audio=keep, channel=channel)
    while left:
        await staged.write(bytes(min(left, SILENCE_BYTES)))
        left -= min(left, SILENCE_BYTES)


async def _write(
    session: AsyncSession, context: StageContext[Tools], decoded: StoredBlob, duration_seconds: float
) -> None:
    item = await items.get_item(session, context.item_id)
    if item is None:
        raise StageInternalError("The item is gone.")
    blob = await items.create_blob(session, key=decoded.key, size_bytes=decoded.size_bytes, sha256=decoded.sha256)
    former_id, item.decoded_blob_id = item.decoded_blob_id, blob.id
    item.duration_seconds = duration_seconds
    await session.flush()
    if former_id is not None:  # of a run that was never published; the sweep takes bytes that no row names
        await items.delete_blob(session, former_id)
    await minutes.correct(session, run_id=context.run_id, seconds=duration_seconds)
