"""Embed: each segment gets an embedding, a vector for search by meaning."""

import asyncio

import numpy as np

from echoic.db.search import index_write
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import Embeddings
from echoic.stages.tools import Tools
from echoic.stages.transcript import open_transcript

BATCH_SEGMENTS = 256
"""Segments between two checks for a cancel; the engine makes its own, smaller batches."""


async def run(context: StageContext[Tools]) -> StageOutput:
    """Encode all segments of the run's transcript."""
    tools = context.tools
    segments = [segment for segment in (await open_transcript(context)).segments if segment.text]
    lease = tools.engines.text_encoder
    batches = []
    for start in range(0, len(segments), BATCH_SEGMENTS):
        batch = segments[start : start + BATCH_SEGMENTS]
        await context.progress(batch[0].start)
        texts = [segment.text for segment in batch]

        def encode(texts: list[str] = texts) -> Embeddings:
            with lease.use() as encoder:
                return encoder.encode(texts, "passage")

        batches.append(await asyncio.to_thread(encode))
    if not batches:
        return StageOutput(output={"segments": 0, "engine": lease.id.label})
    vectors = np.concatenate(batches)
    return StageOutput(
        output={"segments": len(segments), "engine": lease.id.label},
        write=lambda session: index_write.store_embeddings(
            session, segment_ids=[segment.id for segment in segments], model=lease.id.label, vectors=vectors
        ),
    )
