"""Reads items as the API shows them: with facts about the recording, the progress of the run, and notices.

The driver reads these items as plain rows, not as objects of SQLAlchemy.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    distinct,
    func,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original
from echoic.db.catalog.rights import Rights
from echoic.db.connect import Database
from echoic.db.items.items import Blob, Item, ItemOrder
from echoic.db.reads import Query
from echoic.db.runs.runs import ACTIVE_STATES, PipelineRun, StageResult
from echoic.db.speakers.speakers import ItemSpeaker, Speaker
from echoic.db.transcripts.transcripts import Segment, Transcript, shown_speaker


@dataclass(frozen=True, slots=True)
class ShownItem:
    """One item; the names are those of the tables."""

    id: int
    dataset_id: int
    title: str
    description: str | None
    source_type: str
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
    speakers: tuple[str, ...] = ()
    """Who speaks, by name or else by label; only in lists."""

    def without_work(self) -> "ShownItem":
        """Return a published item as it stands whatever work goes on: a later run's progress and failures are left out.

        What failed in the run that was published is among the notices.
        """
        return replace(self, stage=None, progress_seconds=None, error_code=None, error_stage=None, error_message=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemFilters:
    """Filters of a list of items; None filters nothing."""

    states: list[str] | None = None
    """One of these."""
    title: str | None = None
    """A part of the title, in upper or lower case."""
    language: str | None = None
    """The language of the transcript, by its code."""
    speaker: str | None = None
    """Somebody who speaks there, by name, in upper or lower case."""

    def given(self) -> dict[str, Any]:
        """Return what is asked, by the names of the parameters of a statement."""
        asked = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in asked.items() if value is not None}

    def names(self) -> frozenset[str]:
        """Return what is asked about, which decides the statement."""
        return frozenset(self.given())


ALL = ItemFilters()


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemPage:
    """One page of a listing, and how many there are in all."""

    items: list[ShownItem]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenPage:
    """One page of a listing over several libraries, each item with the account's rights there."""

    items: list[tuple[ShownItem, Rights]]
    total: int


_ORDERS: Mapping[ItemOrder, tuple[ColumnElement[Any], ...]] = {
    "newest": (Item.id.desc(),),
    "oldest": (Item.id.asc(),),
    "title": (func.lower(Item.title), Item.id.desc()),
    "longest": (Item.duration_seconds.desc().nulls_last(), Item.id.desc()),
}


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


def _speakers() -> ColumnElement[Any]:
    """Of the item's present transcript, by name or else by label."""
    names = func.array_agg(distinct(shown_speaker()))
    spoken = select(names).where(Segment.transcript_id == Item.transcript_id, Segment.speaker.is_not(None))
    return func.coalesce(spoken.correlate(Item).scalar_subquery(), text("'{}'::text[]"))


def _said_by_name() -> ColumnElement[bool]:
    named = (
        select(ItemSpeaker.id)
        .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .where(ItemSpeaker.transcript_id == Item.transcript_id, func.lower(Speaker.name) == _small("speaker"))
    )
    return named.correlate(Item).exists()


def _small(name: str) -> ColumnElement[str]:
    return func.lower(bindparam(name, type_=Text()))


_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "states": among_given(Item.status, "states", Text()),
    "title": func.strpos(func.lower(Item.title), _small("title")) > 0,
    "language": Item.language == bindparam("language", type_=Text()),
    "speaker": _said_by_name(),
}
_IS_ACTIVE = or_(*(PipelineRun.state == state for state in ACTIVE_STATES))
# At most one run of an item is active.
_SHOWN = (
    select(
        Item.id,
        Item.dataset_id,
        Item.title,
        Item.description,
        Item.source_type,
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
    )
    .join(Blob, Blob.id == Item.audio_blob_id)
    .outerjoin(PipelineRun, (PipelineRun.item_id == Item.id) & _IS_ACTIVE)
)
_LISTED = _SHOWN.add_columns(_speakers())
_ONE = _SHOWN.where(Item.id == bindparam("item_id"))
_SOME = Query(
    _SHOWN.add_columns(Dataset.library_id)
    .join(Dataset, Dataset.id == Item.dataset_id)
    .where(among_given(Item.id, "ids", BigInteger()))
)
_NOTICES = select(_notices()).select_from(Item).where(Item.id == bindparam("item_id"))
_OWN_MEMBERSHIP = (LibraryMember.library_id == Library.id) & (
    LibraryMember.account_id == bindparam("account_id", type_=BigInteger)
)

_SEEN_ITEM = Query(
    _ONE.add_columns(Library.visibility, LibraryMember.role, Dataset.redaction)
    .join(Dataset, Dataset.id == Item.dataset_id)
    .join(Library, Library.id == Dataset.library_id)
    .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
)
_RIGHTS_TO_DATASET = Query(
    select(Library.visibility, LibraryMember.role, Dataset.redaction)
    .join(Dataset, Dataset.library_id == Library.id)
    .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
    .where(Dataset.id == bindparam("dataset_id"))
)


async def see_item(database: Database, *, item_id: int, account_id: int) -> tuple[ShownItem, Rights] | None:
    """Return an item, and the rights of the account in its library."""
    for row in await database.read(_SEEN_ITEM, item_id=item_id, account_id=account_id):
        return ShownItem(*row[:-3]), Rights(*row[-3:])
    return None


async def rights_to_dataset(database: Database, *, dataset_id: int, account_id: int) -> Rights | None:
    """Return the rights of the account in the library of a dataset; None where there is no such dataset."""
    for row in await database.read(_RIGHTS_TO_DATASET, dataset_id=dataset_id, account_id=account_id):
        return Rights(*row)
    return None


async def show_item(session: AsyncSession, item_id: int) -> ShownItem | None:
    """Return an item as the transaction has left it."""
    row = (await session.execute(_ONE, {"item_id": item_id})).one_or_none()
    return None if row is None else ShownItem(*tuple(row))


async def show_items(database: Database, ids: Collection[int]) -> list[tuple[ShownItem, int]]:
    """Return those of some items that are there, each with the id of its library."""
    return [(ShownItem(*row[:-1]), row[-1]) for row in await database.read(_SOME, ids=list(ids))]


async def notices_of(session: AsyncSession, item_id: int) -> list[dict[str, Any]]:
    """Return an item's notices, each with code, message and detail."""
    return await session.scalar(_NOTICES, {"item_id": item_id}) or []


async def list_items(
    database: Database, *, dataset_id: int, filters: ItemFilters = ALL, order: ItemOrder, limit: int, offset: int
) -> ItemPage:
    """Return a dataset's items that the filters take, in the given order; of equals the newest first."""
    wanted = {"dataset_id": dataset_id, **filters.given()}
    ((total,),) = await database.read(_count_query(filters.names()), **wanted)
    rows = await database.read(_page_query(order, filters.names()), **wanted, limit=limit, offset=offset)
    return ItemPage(items=[_listed(row) for row in rows], total=total)


async def list_seen_items(
    database: Database, *, account_id: int, filters: ItemFilters = ALL, order: ItemOrder, limit: int, offset: int
) -> SeenPage:
    """All items of an account's libraries, and the published items of public ones, in the order of ``list_items``."""
    wanted = {"account_id": account_id, **filters.given()}
    ((total,),) = await database.read(_seen_count_query(filters.names()), **wanted)
    rows = await database.read(_seen_page_query(order, filters.names()), **wanted, limit=limit, offset=offset)
    return SeenPage(items=[(_listed(row[:-3]), Rights(*row[-3:])) for row in rows], total=total)


def _listed(row: Sequence[Any]) -> ShownItem:
    return replace(ShownItem(*row[:-1]), speakers=tuple(row[-1]))


@cache
def _count_query(filters: frozenset[str]) -> Query:
    return Query(_of_dataset(select(func.count()).select_from(Item), filters))


@cache
def _page_query(order: ItemOrder, filters: frozenset[str]) -> Query:
    page = _paged(_of_dataset(select(Item.id), filters), order)
    return Query(_LISTED.join(page, page.c.id == Item.id).order_by(*_ORDERS[order]))


@cache
def _seen_count_query(filters: frozenset[str]) -> Query:
    return Query(_seen(select(func.count()).select_from(Item), filters))


@cache
def _seen_page_query(order: ItemOrder, filters: frozenset[str]) -> Query:
    rights = (Library.visibility, LibraryMember.role, Dataset.redaction)
    page = _paged(_seen(select(Item.id, *rights), filters), order)
    return Query(
        _LISTED.add_columns(page.c.visibility, page.c.role, page.c.redaction)
        .join(page, page.c.id == Item.id)
        .order_by(*_ORDERS[order])
    )


def _paged(selected: Select[Any], order: ItemOrder) -> Subquery:
    return (
        selected.order_by(*_ORDERS[order])
        .limit(bindparam("limit", type_=BigInteger))
        .offset(bindparam("offset", type_=BigInteger))
        .subquery()
    )


def _of_dataset(selected: Select[*tuple[Any, ...]], filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    wanted = selected.where(Item.dataset_id == bindparam("dataset_id"))
    return wanted.where(*(_FILTERS[name] for name in filters))


def _seen(selected: Select[*tuple[Any, ...]], filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    wanted = (
        selected.join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
        .where(or_(LibraryMember.role.is_not(None), and_(Library.visibility == "public", Item.status == "published")))
        .where(*(_FILTERS[name] for name in filters))
    )
    if "speaker" in filters:
        # Whom a list by name holds would tell of the names that are redacted in it.
        wanted = wanted.where(reads_original(bindparam("account_id", type_=BigInteger)))
    return wanted
