"""Recognizes known voices in the items of a library, again whenever a voice is learned or forgotten.

The library's lock on voices is held while voices are matched and the matches stored, so that no voice is learned or
forgotten in between.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.speakers import voiceprints
from echoic.db.speakers.speakers import lock_voices
from echoic.logs import get_logger
from echoic.pipeline.queue import JobQueue
from echoic.records import Voiceprint
from echoic.voices.matching import match_voices
from echoic.voices.voiceprints import join_voices

RECOGNIZE = "echoic.recognize"
TRANSCRIPTS_AT_ONCE = 100

logger = get_logger(__name__)


async def recognize_later(session: AsyncSession, queue: JobQueue, library_id: int) -> None:
    """Queue a chore that recognizes the voices in all items of a library, in the caller's transaction."""
    await queue.put_chore(session, RECOGNIZE, lock=f"{RECOGNIZE}-{library_id}", library_id=library_id)


async def recognize_all(database: Database, library_id: int) -> None:
    """Recognize the voices in all items of a library, ``TRANSCRIPTS_AT_ONCE`` in a transaction.

    A repeat changes nothing. Raises DatabaseUnavailable.
    """
    last, seen, changed = 0, 0, 0
    while True:
        async with database.transaction() as session:
            await lock_voices(session, library_id)
            ids = await voiceprints.transcripts_with_voices(
                session, library_id, after_transcript_id=last, limit=TRANSCRIPTS_AT_ONCE
            )
            changed += await recognize(session, library_id, ids)
        if not ids:
            break
        last, seen = ids[-1], seen + len(ids)
    logger.info("voices_recognized", library_id=library_id, transcripts=seen, changed=changed)


async def recognize(session: AsyncSession, library_id: int, transcript_ids: Sequence[int]) -> int:
    """Match the voices in these transcripts with the known ones; returns the number of labels whose match changed.

    A voice that is no longer known loses its match, and suggestions are made again. The caller holds the library's lock on voices.
    """
    learned = await voiceprints.learned_voices(session, library_id)
    known = {engine: {who: _mean(samples) for who, samples in people.items()} for engine, people in learned.items()}
    await voiceprints.forget_suggestions(session, list(transcript_ids))
    changed = 0
    for heard in await voiceprints.heard_voices(session, list(transcript_ids)):
        taken = await voiceprints.people_named_by_hand(session, heard.transcript_id)
        matches = match_voices(heard.voices, known.get(heard.engine, {}), taken=taken)
        for label, present in heard.present.items():
            match = matches.get(label)
            sure = match if match is not None and match.sure else None
            changed += (sure.speaker_id if sure else None) != present
            if sure or present is not None:
                await voiceprints.set_matched(
                    session,
                    transcript_id=heard.transcript_id,
                    label=label,
                    speaker_id=sure.speaker_id if sure else None,
                    confidence=sure.similarity if sure else None,
                )
            if match is not None and not match.sure:
                await voiceprints.suggest(
                    session,
                    transcript_id=heard.transcript_id,
                    label=label,
                    speaker_id=match.speaker_id,
                    confidence=match.similarity,
                )
    return changed


def _mean(samples: Sequence[Voiceprint]) -> Voiceprint:
    joined = join_voices((sample.vector, sample.seconds) for sample in samples)
    if joined is None:
        raise ValueError("A voiceprint of too little speech was kept")
    return joined
