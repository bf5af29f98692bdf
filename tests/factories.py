"""Makes what most tests start from: tenants with keys, libraries, datasets, and items in any state with transcripts."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import accounts
from echoic.db.catalog import libraries
from echoic.db.catalog.libraries import Visibility
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.items.items import Item
from echoic.db.runs import runs
from echoic.db.runs.item_state import STATUSES
from echoic.db.runs.runs import RunState
from echoic.db.search import index_write
from echoic.db.transcripts import transcripts
from echoic.engines.fake import FakeTextEncoder
from echoic.records import EngineId, Segment, Transcription, Word, milliseconds

ENGINE = EngineId(name="fake", model="second-hash", version="1")
SECONDS_A_WORD = 0.5
ACTIVE_STATUSES = ("queued", "processing")
RUN_STATES: dict[str, RunState] = {status: state for state, status in STATUSES.items()}


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An account with a key of its own and a library with one dataset."""

    account_id: int
    key: str
    library_id: int
    dataset_id: int

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def segment(text: str, *, start: float = 0.0, speaker: str | None = None, confidence: float | None = 0.9) -> Segment:
    """A segment whose words follow each other evenly."""
    words = []
    for number, word in enumerate(text.split()):
        begin = milliseconds(start + number * SECONDS_A_WORD)
        words.append(Word(text=word, start=begin, end=milliseconds(begin + SECONDS_A_WORD), score=0.9, speaker=speaker))
    return Segment(
        start=start,
        end=words[-1].end if words else start + 1,
        text=text,
        words=tuple(words),
        speaker=speaker,
        confidence=confidence,
    )


def talk(*texts: str, speaker: str | None = None) -> list[Segment]:
    """Segments one after the other, ten seconds apart."""
    return [segment(text, start=10.0 * number, speaker=speaker) for number, text in enumerate(texts)]


class World:
    """Writes rows as the server itself would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._numbers = itertools.count(1)

    async def tenant(
        self,
        name: str = "Tenant",
        *,
        visibility: Visibility = "private",
        scopes: tuple[str, ...] = accounts.SCOPES,
        plan: str = "unlimited",
        is_admin: bool = False,
        **settings: Any,
    ) -> Tenant:
        """An account that owns a new library; ``settings`` are those of the dataset in it."""
        async with self.database.transaction() as session:
            account = await accounts.create_account(session, name=name, plan=plan, is_admin=is_admin)
            _, key = await accounts.create_key(session, account_id=account.id, name="Test", scopes=scopes)
            library = await libraries.create_library(
                session,
                slug=f"library-{next(self._numbers)}",
                name=f"{name}'s library",
                owner_account_id=account.id,
                visibility=visibility,
            )
            dataset = await libraries.create_dataset(
                session, library_id=library.id, name=f"{name}'s dataset", **settings
            )
            return Tenant(account_id=account.id, key=key, library_id=library.id, dataset_id=dataset.id)

    async def item(
        self,
        dataset_id: int,
        segments: Sequence[Segment] | None = None,
        *,
        status: str = "published",
        published_at: datetime | None = None,
        language: str = "en",
        **columns: Any,
    ) -> int:
        """An item with its run and, where segments are given, with a transcript that is indexed; returns its id."""
        number = next(self._numbers)
        async with self.database.transaction() as session:
            blob = await items.create_blob(
                session, key=f"00/00/{number:032x}", size_bytes=1000 + number, sha256=f"{number:064}"
            )
            if status == "published":
                columns["published_at"] = published_at or datetime(2026, 1, 1, tzinfo=UTC)
            item = await items.create_item(
                session,
                **{"dataset_id": dataset_id, "title": f"Item {number}", "status": status, "audio_blob_id": blob.id}
                | columns,
            )
            if status != "stored":
                run = await runs.create_run(session, item_id=item.id, stage="decode", priority=100, options={})
                run.state = RUN_STATES[status]
                await session.flush()
            if segments is not None:
                await self._transcribe(session, item, segments, language)
            return item.id

    async def _transcribe(self, session: AsyncSession, item: Item, segments: Sequence[Segment], language: str) -> None:
        run = await runs.newest_run(session, item.id)
        assert run is not None
        transcription = Transcription(segments=tuple(segments), language=language, language_probability=1.0)
        transcript = await transcripts.create_transcript(
            session, item_id=item.id, run_id=run.id, transcription=transcription, engine=ENGINE
        )
        item.transcript_id = transcript.id
        item.language = language
        item.duration_seconds = segments[-1].end if segments else 0.0
        encoder = FakeTextEncoder()
        stored = await transcripts.list_segments(session, transcript.id)
        vectors = encoder.encode([row.text for row in stored], "passage")
        await index_write.store_embeddings(
            session, segment_ids=[row.id for row in stored], model=encoder.id.label, vectors=vectors
        )
        await index_write.index_transcript(session, transcript_id=transcript.id)
