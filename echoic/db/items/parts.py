"""The parts of an item that may be removed while it stays, its audio and its transcript: whether they are there."""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Blob, Item, get_blob, transcript_deadline
from echoic.errors import AudioRemoved, TranscriptRemoved


def require_audio(audio: Blob) -> None:
    """Raise AudioRemoved where the bytes of a recording were removed at their deadline."""
    if audio.removed_at is not None:
        raise AudioRemoved(
            f"The audio of this item was removed at its deadline, on {_day(audio.removed_at)}; its transcript, if it has one, "
            "stays."
        )


def transcript_removed(removed_at: datetime) -> TranscriptRemoved:
    """Return the error for an item whose transcript was removed."""
    return TranscriptRemoved(
        f"The transcript of this item was removed at its deadline, on {_day(removed_at)}; its audio, if it has any, stays."
    )


async def require_transcribable(session: AsyncSession, item: Item) -> None:
    """Raise AudioRemoved without audio, and TranscriptRemoved where the transcript would be removed again at once."""
    audio = await get_blob(session, item.audio_blob_id)
    if audio is not None:
        require_audio(audio)
    if item.transcript_removed_at is None:
        return
    is_over = select(transcript_deadline() < func.now()).where(Item.id == item.id)
    if await session.scalar(is_over):
        raise TranscriptRemoved(
            f"The transcript of this item was removed at its deadline, on {_day(item.transcript_removed_at)}. To have it "
            "transcribed again, an owner of its library gives it a later deadline first: transcript_expires_at."
        )


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
