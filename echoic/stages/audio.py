"""Reads decoded audio for the stages: raw PCM in storage, so that any stretch of time is one range of bytes."""

import asyncio
from dataclasses import dataclass, replace

import numpy as np

from echoic.db.items import items
from echoic.db.runs import runs
from echoic.engines.media.parent import as_audio
from echoic.engines.protocols import AudioReader
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext
from echoic.records import Audio
from echoic.stages.tools import Tools
from echoic.storage.blobs import Blobs
from echoic.units import SAMPLE_RATE

BYTES_PER_SAMPLE = 2
BYTES_PER_SECOND = SAMPLE_RATE * BYTES_PER_SAMPLE


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedAudio:
    """One track of the decoded audio of an item. The tracks lie one after the other in one blob."""

    blobs: Blobs
    key: str
    size_bytes: int
    """The size of the blob, with all tracks."""
    tracks: int = 1
    """The number of tracks: the mix, and after it each channel or track of the file that has a speaker of its own."""
    track: int = 0

    @property
    def samples(self) -> int:
        """Length of the recording in samples."""
        return self.size_bytes // BYTES_PER_SAMPLE // self.tracks

    @property
    def duration_seconds(self) -> float:
        """Length of the recording in seconds."""
        return self.samples / SAMPLE_RATE

    async def read(self, first: int, count: int) -> Audio:
        """Read ``count`` samples from sample ``first`` on; fewer where the recording ends."""
        count = max(0, min(count, self.samples - first))
        if not count:
            return np.zeros(0, dtype=np.float32)
        begin = self.track * self.samples + first
        pcm = await self.blobs.read_range(self.key, begin * BYTES_PER_SAMPLE, count * BYTES_PER_SAMPLE)
        return as_audio(pcm)

    @property
    def voices(self) -> tuple["DecodedAudio", ...]:
        """The channels or tracks with one speaker each, as recordings of their own; empty where there is only the mix."""
        return tuple(replace(self, track=track) for track in range(1, self.tracks))

    async def read_between(self, start: float, end: float) -> Audio:
        """Read the samples between two times in seconds."""
        first = round(start * SAMPLE_RATE)
        return await self.read(first, round(end * SAMPLE_RATE) - first)


def blocking_reader(audio: DecodedAudio, loop: asyncio.AbstractEventLoop) -> AudioReader:
    """Make a reader that an engine calls in its own thread.

    Each call waits while the event loop reads, and raises the loop's error.
    """

    def read(start: float, end: float) -> Audio:
        return asyncio.run_coroutine_threadsafe(audio.read_between(start, end), loop).result()

    return read


async def open_decoded(context: StageContext[Tools]) -> DecodedAudio:
    """Open the audio that the decode stage of this run stored."""
    tools = context.tools
    async with tools.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        blob = await items.get_blob(session, item.decoded_blob_id) if item and item.decoded_blob_id else None
        decoded = await runs.stage_result(session, context.run_id, "decode")
    if blob is None:
        raise StageInternalError("The decoded audio is gone.")
    tracks = decoded.output.get("tracks", 1) if decoded is not None else 1
    return DecodedAudio(blobs=tools.blobs, key=blob.key, size_bytes=blob.size_bytes, tracks=tracks)
