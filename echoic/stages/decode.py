"""Decode: the uploaded file becomes 16 kHz PCM in storage, which later stages read piece by piece.

The blob holds the mix of all tracks and channels. Where each of several channels or tracks has a speaker of its own, they
follow the mix one by one, all of its length. The outline of the mix is kept with the item, for the waveform that people see.
"""

from pathlib import PurePosixPath

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import minutes
from echoic.db.items import items
from echoic.db.items.peaks import keep_peaks
from echoic.engines.media.parent import MediaLimits, Peaks, decode
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import VoiceBalance
from echoic.stages.audio import BYTES_PER_SECOND
from echoic.stages.media_notices import notices_of
from echoic.stages.tools import Tools
from echoic.storage.blobs import BlobReader, StagedBlob, StoredBlob

MAX_VOICES = 8
"""The most channels or tracks that are transcribed one by one; a recording with more is transcribed as one mix."""
MOST_BYTES_PER_SECOND = (1 + MAX_VOICES) * BYTES_PER_SECOND
"""The most bytes that a second of recording leaves: the mix, and each of ``MAX_VOICES`` alone."""
MIN_ALONE_SHARE = 0.8
"""The least share of the frames with sound that have it on one channel alone; crosstalk and overlapping speech are the
rest."""
MIN_CHANNEL_SHARE = 0.02
"""The least share of these frames that each of two channels has: a recording with one dead channel is no call."""
MIN_VOICE_FRAMES = 10
"""The least number of frames of 20 ms that a further channel has alone; with fewer, it holds no more than a click."""
SILENCE_BYTES = BYTES_PER_SECOND


async def run(context: StageContext[Tools]) -> StageOutput:
    """Decode the item's audio in a confined child process, straight into a staged blob."""
    tools = context.tools
    async with tools.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        audio = await items.get_blob(session, item.audio_blob_id) if item else None
    if item is None or audio is None:
        raise StageInternalError("The item or its audio is gone.")
    extension = PurePosixPath(item.original_filename or "").suffix.removeprefix(".")
    source = BlobReader(tools.blobs, audio.key, audio.size_bytes)
    limits = MediaLimits.from_settings(tools.settings)
    peaks = Peaks()
    async with tools.blobs.stage() as staged:

        async def keep(pcm: bytes) -> None:
            await staged.write(pcm)
            peaks.add(pcm)
            await context.progress(staged.size_bytes / BYTES_PER_SECOND)

        info = await decode(source, limits, on_audio=keep, extension=extension, spare=tools.spare_decoder)
        track_bytes = staged.size_bytes
        voices = voices_apart(info.balance)
        for voice in voices:
            await _append_voice(
                context, source, limits, staged, extension=extension, voice=voice, track_bytes=track_bytes
            )
        decoded = await staged.finish()
    duration_seconds = track_bytes / BYTES_PER_SECOND
    return StageOutput(
        output={
            "container": info.container,
            "codec": info.codec,
            "sample_rate": info.sample_rate,
            "channels": info.channels,
            "recordings": info.recordings,
            "tracks": 1 + len(voices),
            "voices": list(voices),
            "duration_seconds": duration_seconds,
        },
        audio_seconds=duration_seconds,
        write=lambda session: _write(session, context, decoded, duration_seconds, peaks.pairs()),
        notices=notices_of(info, size_bytes=audio.size_bytes, is_abandoned=item.upload_abandoned),
    )


def voices_apart(balance: VoiceBalance) -> tuple[int, ...]:
    """Return the channels or tracks that have a speaker of their own. Pure.

    The result is empty unless nearly all sound is on one channel or track alone.
    """
    if not balance.active or sum(balance.alone) < MIN_ALONE_SHARE * balance.active:
        return ()
    large = [alone for alone in balance.alone if alone >= MIN_CHANNEL_SHARE * balance.active]
    voices = tuple(number for number, alone in enumerate(balance.alone) if alone >= MIN_VOICE_FRAMES)
    return voices if len(large) > 1 and len(voices) <= MAX_VOICES else ()


async def _append_voice(
    context: StageContext[Tools],
    source: BlobReader,
    limits: MediaLimits,
    staged: StagedBlob,
    *,
    extension: str,
    voice: int,
    track_bytes: int,
) -> None:
    """Append one channel or track to the blob, cut or filled with silence to the length of the mix."""
    left = track_bytes

    async def keep(pcm: bytes) -> None:
        nonlocal left
        await staged.write(pcm[:left])
        left -= len(pcm[:left])
        await context.progress((track_bytes - left) / BYTES_PER_SECOND)

    await decode(source, limits, on_audio=keep, extension=extension, voice=voice)
    while left:
        await staged.write(bytes(min(left, SILENCE_BYTES)))
        left -= min(left, SILENCE_BYTES)


async def _write(
    session: AsyncSession, context: StageContext[Tools], decoded: StoredBlob, duration_seconds: float, peaks: bytes
) -> None:
    item = await items.get_item(session, context.item_id)
    if item is None:
        raise StageInternalError("The item is gone.")
    blob = await items.create_blob(session, key=decoded.key, size_bytes=decoded.size_bytes, sha256=decoded.sha256)
    await items.set_decoded(session, item, decoded=blob, duration_seconds=duration_seconds)
    await keep_peaks(session, item.id, peaks)
    await minutes.correct(session, run_id=context.run_id, seconds=duration_seconds)
