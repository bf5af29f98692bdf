"""Reads items as the API shows them: with facts about the recording, the progress of the run, and notices.

The driver reads these items as plain rows, not as objects of SQLAlchemy.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    distinct,
    func,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import LateralFromClause

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original
from echoic.db.catalog.rights import Rights
from echoic.db.connect import Database
from echoic.db.items.items import (
    Blob,
    Item,
    ItemOrder,
    audio_deadline,
    deadline,
    is_held,
    transcript_deadline,
)
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
        asked = {name: getattr(self, name) for name in _FILTERS}
        return {name: value for name, value in asked.items() if value is not None}


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
_COLUMNS = (
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
_OWN_BLOB = Blob.id == Item.audio_blob_id
_OWN_RUN = (PipelineRun.item_id == Item.id) & _IS_ACTIVE
"""At most one run of an item is active."""
_SHOWN = select(*_COLUMNS).join(Blob, _OWN_BLOB).outerjoin(PipelineRun, _OWN_RUN)
_ONE = _SHOWN.where(Item.id == bindparam("item_id"))
_SOME = Query(
    _SHOWN.add_columns(Dataset.library_id, Dataset.redaction)
    .join(Dataset, Dataset.id == Item.dataset_id)
    .where(among_given(Item.id, "ids", BigInteger()))
)
_NOTICES = select(_notices()).select_from(Item).where(Item.id == bindparam("item_id"))
_OWN_MEMBERSHIP = (LibraryMember.library_id == Library.id) & (
    LibraryMember.account_id == bindparam("account_id", type_=BigInteger)
)

_LIBRARIES_SEEN = union_all(
    select(LibraryMember.library_id).where(LibraryMember.account_id == bindparam("account_id", type_=BigInteger)),
    select(Library.id).where(Library.visibility == "public"),
)
_RIGHTS = (Library.visibility, LibraryMember.role, Dataset.redaction)
_SEEN_ITEM = Query(
    _ONE.add_columns(*_RIGHTS)
    .join(Dataset, Dataset.id == Item.dataset_id)
    .join(Library, Library.id == Dataset.library_id)
    .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
)
_RIGHTS_TO_DATASET = (
    select(*_RIGHTS)
    .join(Dataset, Dataset.library_id == Library.id)
    .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
    .where(Dataset.id == bindparam("dataset_id"))
    .subquery("rights")
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


async def list_items(
    database: Database,
    *,
    dataset_id: int,
    account_id: int,
    filters: ItemFilters = ALL,
    order: ItemOrder,
    limit: int,
    offset: int,
) -> tuple[ItemPage, Rights] | None:
    """Return a dataset's items that the filters take, in the given order, and the rights of the account there.

    Of equals the newest come first. For those who are not members only published items exist. None where there is no such
    dataset; whether the account may read it is the caller's to check.
    """
    given = filters.given()
    query = _page_query(order, frozenset(given))
    rows = await database.read(query, dataset_id=dataset_id, account_id=account_id, **given, limit=limit, offset=offset)
    if not rows:
        return None
    items = [item for item, _ in _listed(rows)]
    return ItemPage(items=items, total=rows[0][_TOTAL]), Rights(*rows[0][_OF_RIGHTS])


async def list_seen_items(
    database: Database, *, account_id: int, filters: ItemFilters = ALL, order: ItemOrder, limit: int, offset: int
) -> SeenPage:
    """All items of an account's libraries, and the published items of public ones, in the order of ``list_items``."""
    given = filters.given()
    query = _seen_page_query(order, frozenset(given))
    rows = await database.read(query, account_id=account_id, **given, limit=limit, offset=offset)
    return SeenPage(items=_listed(rows), total=rows[0][_TOTAL])


_TOTAL, _PLACE, _OF_RIGHTS, _OF_ITEM = 0, 1, slice(2, 5), slice(5, None)
"""The parts of a row of a list. Where the page is empty there is one row, without place and item."""


def _listed(rows: Sequence[Sequence[Any]]) -> list[tuple[ShownItem, Rights]]:
    return [(ShownItem(*row[_OF_ITEM]), Rights(*row[_OF_RIGHTS])) for row in rows if row[_PLACE] is not None]


@cache
def _page_query(order: ItemOrder, filters: frozenset[str]) -> Query:
    rights = _RIGHTS_TO_DATASET

    def of_dataset(selected: Select[Any]) -> Select[Any]:
        mine = selected.where(Item.dataset_id == bindparam("dataset_id"), *(_FILTERS[name] for name in filters))
        return mine.where(or_(rights.c.role.is_not(None), Item.status == "published")).correlate(rights)

    total = of_dataset(select(func.count()).select_from(Item)).scalar_subquery()
    page = _paged(of_dataset(select(Item.id)), order)
    return _list_query(total, page, rights.c, begun=rights)


@cache
def _seen_page_query(order: ItemOrder, filters: frozenset[str]) -> Query:
    total = _seen(select(func.count().label("total")).select_from(Item), filters).subquery()
    page = _paged(_seen(select(Item.id, *_RIGHTS), filters), order)
    return _list_query(total.c.total, page, (page.c.visibility, page.c.role, page.c.redaction), begun=total)


def _list_query(
    total: ColumnElement[int], page: LateralFromClause, rights: Iterable[ColumnElement[Any]], *, begun: FromClause
) -> Query:
    """Return one statement for a page, the total and the rights, which takes half the time of three."""
    return Query(
        select(total, page.c.place, *rights, *_COLUMNS, _speakers())
        .select_from(begun)
        .outerjoin(page, true())
        .outerjoin(Item, Item.id == page.c.id)
        .outerjoin(Blob, _OWN_BLOB)
        .outerjoin(PipelineRun, _OWN_RUN)
        .order_by(page.c.place)
    )


def _paged(selected: Select[Any], order: ItemOrder) -> LateralFromClause:
    place = func.row_number().over(order_by=_ORDERS[order]).label("place")
    return (
        selected.add_columns(place)
        .order_by(*_ORDERS[order])
        .limit(bindparam("limit", type_=BigInteger))
        .offset(bindparam("offset", type_=BigInteger))
        .lateral()
    )


def _seen(selected: Select[*tuple[Any, ...]], filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    wanted = (
        selected.join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
        .where(or_(LibraryMember.role.is_not(None), and_(Library.visibility == "public", Item.status == "published")))
        # The same again, but for the status: what the database can begin with, in place of reading the items of all libraries.
        .where(Library.id.in_(_LIBRARIES_SEEN))
        .where(*(_FILTERS[name] for name in filters))
    )
    if not filters.isdisjoint(("speaker", "title")):
        # What a list by a name or a word holds would tell of the names and words that are redacted in it.
        wanted = wanted.where(reads_original(bindparam("account_id", type_=BigInteger)))
    return wanted
