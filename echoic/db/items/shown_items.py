"""Reads items as the API shows them: with facts about the recording, the progress of the run, and notices.

The driver reads these items as plain rows, not as objects of SQLAlchemy.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    func,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember
from echoic.db.catalog.rights import Rights
from echoic.db.connect import Database
from echoic.db.items.items import (
    Blob,
    Item,
    audio_deadline,
    deadline,
    is_held,
    transcript_deadline,
)
from echoic.db.reads import Query
from echoic.db.runs.runs import ACTIVE_STATES, PipelineRun, StageResult
from echoic.db.transcripts.transcripts import Transcript


@dataclass(frozen=True, slots=True)
class ShownItem:
    """One item; the names are those of the tables."""

    id: int
    dataset_id: int
    title: str
    description: str | None
    source_type: str
    publish_date: datetime | None
    status: str
    error_code: str | None
    error_stage: str | None
    error_message: str | None
    language: str | None
    duration_seconds: float | None
    created_at: datetime
    published_at: datetime | None
    size_bytes: int
    sha256: str
    stage: str | None
    """Of the run that is active."""
    progress_seconds: float | None
    notices: list[dict[str, Any]]
    has_transcript: bool
    """Readers see it only in some states of the item."""
    expires_at: datetime | None
    """When it is deleted."""
    audio_expires_at: datetime | None
    transcript_expires_at: datetime | None
    """When audio or transcript alone is removed."""
    audio_removed_at: datetime | None
    transcript_removed_at: datetime | None
    legal_hold: bool | None
    """Whether it may not be deleted; None: not shown."""
    speakers: Sequence[str] = ()
    """Who speaks, by name or else by label; only in lists."""

    def without_work(self) -> "ShownItem":
        """Return a published item as it stands whatever work goes on: a later run's progress and failures are left out.

        So is whether it is held, which is its library's business.

        What failed in the run that was published is among the notices.
        """
        shown = replace(self, stage=None, progress_seconds=None, legal_hold=None)
        return replace(shown, error_code=None, error_stage=None, error_message=None)


def _notices() -> ColumnElement[Any]:
    """Of the run that made the item's transcript; while there is none, of the newest run."""
    run_of_transcript = select(Transcript.run_id).where(Transcript.id == Item.transcript_id).correlate(Item)
    newest_run = select(func.max(PipelineRun.id)).where(PipelineRun.item_id == Item.id).correlate(Item)
    shown_run = func.coalesce(run_of_transcript.scalar_subquery(), newest_run.scalar_subquery())
    notice = (
        func.jsonb_array_elements(StageResult.notices).table_valued("value", with_ordinality="place").render_derived()
    )
    in_order = aggregate_order_by(notice.c.value, StageResult.finished_at, notice.c.place)
    return (
        select(func.coalesce(func.jsonb_agg(in_order), text("'[]'::jsonb")))
        .select_from(StageResult)
        .join(notice, true())
        .where(StageResult.run_id == shown_run)
        .correlate(Item)
        .scalar_subquery()
    )


_IS_ACTIVE = or_(*(PipelineRun.state == state for state in ACTIVE_STATES))
COLUMNS = (
    Item.id,
    Item.dataset_id,
    Item.title,
    Item.description,
    Item.source_type,
    Item.publish_date,
    Item.status,
    Item.error_code,
    Item.error_stage,
    Item.error_message,
    Item.language,
    Item.duration_seconds,
    Item.created_at,
    Item.published_at,
    Blob.size_bytes,
    Blob.sha256,
    PipelineRun.stage,
    PipelineRun.progress_seconds,
    _notices(),
    Item.transcript_id.is_not(None),
    deadline(),
    audio_deadline(),
    transcript_deadline(),
    Blob.removed_at,
    Item.transcript_removed_at,
    is_held(),
)
OWN_BLOB = Blob.id == Item.audio_blob_id
OWN_RUN = (PipelineRun.item_id == Item.id) & _IS_ACTIVE
"""At most one run of an item is active."""
_SHOWN = select(*COLUMNS).join(Blob, OWN_BLOB).outerjoin(PipelineRun, OWN_RUN)
_ONE = _SHOWN.where(Item.id == bindparam("item_id"))
_SOME = Query(
    _SHOWN.add_columns(Dataset.library_id, Dataset.redaction)
    .join(Dataset, Dataset.id == Item.dataset_id)
    .where(among_given(Item.id, "ids", BigInteger()))
)
_NOTICES = select(_notices()).select_from(Item).where(Item.id == bindparam("item_id"))
OWN_MEMBERSHIP = (LibraryMember.library_id == Library.id) & (
    LibraryMember.account_id == bindparam("account_id", type_=BigInteger)
)

RIGHTS = (Library.visibility, LibraryMember.role, Dataset.redaction)
_SEEN_ITEM = Query(
    _ONE.add_columns(*RIGHTS)
    .join(Dataset, Dataset.id == Item.dataset_id)
    .join(Library, Library.id == Dataset.library_id)
    .outerjoin(LibraryMember, OWN_MEMBERSHIP)
)


async def see_item(database: Database, *, item_id: int, account_id: int) -> tuple[ShownItem, Rights] | None:
    """Return an item, and the rights of the account in its library."""
    for row in await database.read(_SEEN_ITEM, item_id=item_id, account_id=account_id):
        return ShownItem(*row[:-3]), Rights(*row[-3:])
    return None


async def show_item(session: AsyncSession, item_id: int) -> ShownItem | None:
    """Return an item as the transaction has left it."""
    row = (await session.execute(_ONE, {"item_id": item_id})).one_or_none()
    return None if row is None else ShownItem(*tuple(row))


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedItem:
    """An item with the id of its library and the policy of its dataset, by which some read it redacted."""

    item: ShownItem
    library_id: int
    redaction: Mapping[str, Any] | None


async def show_items(database: Database, ids: Collection[int]) -> list[PlacedItem]:
    """Return those of some items that are there."""
    rows = await database.read(_SOME, ids=list(ids))
    return [PlacedItem(item=ShownItem(*row[:-2]), library_id=row[-2], redaction=row[-1]) for row in rows]


async def notices_of(session: AsyncSession, item_id: int) -> list[dict[str, Any]]:
    """Return an item's notices, each with code, message and detail."""
    return await session.scalar(_NOTICES, {"item_id": item_id}) or []
