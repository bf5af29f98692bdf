"""Decoded audio as the stages read it: raw PCM in storage, so that any stretch of time is one range of bytes."""

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


def voice_label(number: int) -> str:
    """Who speaks on the voice of that number, from 0, where each channel or track has one."""
    return f"SPEAKER_{number:02}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedAudio:
    """The decoded audio of one item: one of the tracks of its blob, which lie one after the other."""

    blobs: Blobs
    key: str
    size_bytes: int
    """Of all tracks."""
    tracks: int = 1
    """1: the mix; more: after it each channel, or track of the file, that has a voice of its own."""
    track: int = 0

    @property
    def samples(self) -> int:
        """Length of the recording in samples."""
        return self.size_bytes // BYTES_PER_SAMPLE // self.tracks

    @property
    def duration_seconds(self) -> float:
        """Length of the recording."""
        return self.samples / SAMPLE_RATE

    async def read(self, first: int, count: int) -> Audio:
        """``count`` samples from the one numbered ``first``, fewer where the recording ends."""
        count = max(0, min(count, self.samples - first))
        if not count:
            return np.zeros(0, dtype=np.float32)
        begin = self.track * self.samples + first
        pcm = await self.blobs.read_range(self.key, begin * BYTES_PER_SAMPLE, count * BYTES_PER_SAMPLE)
        return as_audio(pcm)

    @property
    def voices(self) -> tuple["DecodedAudio", ...]:
        """Channels or tracks that have one voice each, as recordings of their own; none where there is only the mix."""
        return tuple(replace(self, track=track) for track in range(1, self.tracks))

    async def read_between(self, start: float, end: float) -> Audio:
        """The samples between two times in seconds."""
        first = round(start * SAMPLE_RATE)
        return await self.read(first, round(end * SAMPLE_RATE) - first)


def blocking_reader(audio: DecodedAudio, loop: asyncio.AbstractEventLoop) -> AudioReader:
    """How an engine reads, from its own thread: each call waits for the loop to do it and raises what that raises."""

    def read(start: float, end: float) -> Audio:
        return asyncio.run_coroutine_threadsafe(audio.read_between(start, end), loop).result()

    return read


async def open_decoded(context: StageContext[Tools]) -> DecodedAudio:
    """The audio that the decode stage of this run stored."""
    tools = context.tools
    async with tools.database.transaction() as session:
        item = await items.get_item(session, context.item_id)
        blob = await items.get_blob(session, item.decoded_blob_id) if item and item.decoded_blob_id else None
        decoded = await runs.stage_result(session, context.run_id, "decode")
    if blob is None:
        raise StageInternalError("The decoded audio is gone.")
    tracks = decoded.output.get("tracks", 1) if decoded is not None else 1
    return DecodedAudio(blobs=tools.blobs, key=blob.key, size_bytes=blob.size_bytes, tracks=tracks)
