"""Removes the audio or the transcript of items that stay, with every copy of it that a row holds, and writes receipts.

The caller holds the rows of the items, nobody works on them, and none is under legal hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import Base, among
from echoic.db.items.items import Blob, Item, gone_with
from echoic.db.items.peaks import ItemPeaks
from echoic.db.outbox.alert_checks import AlertCheck
from echoic.db.outbox.alerts import ToldMatches
from echoic.db.outbox.digests import PendingMatches
from echoic.db.outbox.quotations import forget_quotations
from echoic.db.receipts import receipts
from echoic.db.receipts.receipts import Cause
from echoic.db.runs.runs import PipelineRun
from echoic.db.search.index import SearchEntry
from echoic.db.sources.published import PublishedText
from echoic.db.subjects.subjects import SubjectAlias
from echoic.db.transcripts.entities import Entity
from echoic.db.transcripts.transcripts import Transcript

OF_AUDIO = frozenset({"item_peaks"})
"""The kinds of rows that are made of the audio alone."""
OF_NEITHER = frozenset({"shared_moments"})
"""Those that name a recording or a span of it, and hold nothing of it."""

MADE_OF_TEXT: Sequence[type[Base]] = (
    AlertCheck,
    ToldMatches,
    PendingMatches,
    Entity,
    SubjectAlias,
    SearchEntry,
    PublishedText,
    Transcript,
    PipelineRun,
)
"""What goes with a transcript; what refers to these goes with them."""


async def remove_audio(session: AsyncSession, ids: Sequence[int], cause: Cause) -> list[str]:
    """Remove the audio of items; returns the keys whose bytes may be deleted after the commit.

    Digest and size of each recording stay, so that it is known again when it comes a second time.
    """
    gone = [
        replace(one, rows=_kinds(one.rows, audio=True), keys=list(one.keys)) for one in await gone_with(session, ids)
    ]
    decoded = select(Item.decoded_blob_id).where(among(Item.id, ids), Item.decoded_blob_id.is_not(None))
    decoded_ids = [blob_id for blob_id in await session.scalars(decoded) if blob_id is not None]
    await session.execute(delete(ItemPeaks).where(among(ItemPeaks.item_id, ids)))
    # Written even where nothing changes in it: whoever looks at the item is told by its row.
    await session.execute(update(Item).where(among(Item.id, ids)).values(decoded_blob_id=None))
    await session.execute(delete(Blob).where(among(Blob.id, decoded_ids)))
    audio = select(Item.audio_blob_id).where(among(Item.id, ids))
    await session.execute(
        update(Blob).where(Blob.id.in_(audio), Blob.removed_at.is_(None)).values(removed_at=func.now(), account_id=None)
    )
    await receipts.write(session, gone, cause, removed="audio")
    return [key for one in gone for key in one.keys]


async def remove_transcripts(session: AsyncSession, ids: Sequence[int], cause: Cause) -> None:
    """Remove the transcripts of items, former ones as well, with all that was made of them and what publishers wrote.

    The runs go as well: what their stages and parts of stages put by is text.
    """
    gone = [replace(one, rows=_kinds(one.rows, audio=False), keys=[]) for one in await gone_with(session, ids)]
    removed = {"transcript_id": None, "transcript_removed_at": func.now()}
    await session.execute(update(Item).where(among(Item.id, ids)).values(removed))
    for table in MADE_OF_TEXT:
        await session.execute(delete(table).where(among(table.__table__.c.item_id, ids)))
    await forget_quotations(session, ids)
    await receipts.write(session, gone, cause, removed="transcript")


def _kinds(rows: Mapping[str, int], *, audio: bool) -> dict[str, int]:
    """Return the counts of the rows that go with the audio, or with the transcript."""
    return {kind: count for kind, count in rows.items() if (kind in OF_AUDIO) is audio and kind not in OF_NEITHER}
