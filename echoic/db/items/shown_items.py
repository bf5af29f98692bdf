"""Reads items as the API shows them: with facts about the recording, the progress of the run, and notices.

The driver reads these items as plain rows, not as objects of SQLAlchemy.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, Text, and_, bindparam, func, or_, select, text, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember
from echoic.db.catalog.sights import Sight
from echoic.db.connect import Database
from echoic.db.items.items import Blob, Item, ItemOrder
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

    def without_work(self) -> "ShownItem":
        """A published item as it stands whatever work goes on: a later run's progress and failures are left out.

        What failed in the run that was published is among the notices.
        """
        return replace(self, stage=None, progress_seconds=None, error_code=None, error_stage=None, error_message=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemPage:
    """One page of a listing, and how many there are in all."""

    items: list[ShownItem]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenPage:
    """One page of a listing over several libraries, each item with the account's role in its library."""

    items: list[tuple[ShownItem, str | None]]
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
    )
    .join(Blob, Blob.id == Item.audio_blob_id)
    .outerjoin(PipelineRun, (PipelineRun.item_id == Item.id) & _IS_ACTIVE)
)
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
    _ONE.add_columns(Library.visibility, LibraryMember.role)
    .join(Dataset, Dataset.id == Item.dataset_id)
    .join(Library, Library.id == Dataset.library_id)
    .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
)
_SIGHT_OF_DATASET = Query(
    select(Library.visibility, LibraryMember.role)
    .join(Dataset, Dataset.library_id == Library.id)
    .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
    .where(Dataset.id == bindparam("dataset_id"))
)


async def see_item(database: Database, *, item_id: int, account_id: int) -> tuple[ShownItem, Sight] | None:
    """An item, and what decides whether the account may see it."""
    for row in await database.read(_SEEN_ITEM, item_id=item_id, account_id=account_id):
        return ShownItem(*row[:-2]), Sight(*row[-2:])
    return None


async def sight_of_dataset(database: Database, *, dataset_id: int, account_id: int) -> Sight | None:
    """What decides whether the account may see a dataset; None where there is no such dataset."""
    for row in await database.read(_SIGHT_OF_DATASET, dataset_id=dataset_id, account_id=account_id):
        return Sight(*row)
    return None


async def show_item(session: AsyncSession, item_id: int) -> ShownItem | None:
    """An item as the transaction has left it."""
    row = (await session.execute(_ONE, {"item_id": item_id})).one_or_none()
    return None if row is None else ShownItem(*tuple(row))


async def show_items(database: Database, ids: Collection[int]) -> list[tuple[ShownItem, int]]:
    """Those of some items that are there, each with the id of its library."""
    return [(ShownItem(*row[:-1]), row[-1]) for row in await database.read(_SOME, ids=list(ids))]


async def notices_of(session: AsyncSession, item_id: int) -> list[dict[str, Any]]:
    """An item's notices, each with code, message and detail."""
    return await session.scalar(_NOTICES, {"item_id": item_id}) or []


async def list_items(
    database: Database, *, dataset_id: int, states: Sequence[str] | None, order: ItemOrder, limit: int, offset: int
) -> ItemPage:
    """A dataset's items, all or those in some states, in the given order; of equals the newest first."""
    wanted: dict[str, Any] = {"dataset_id": dataset_id}
    if states is not None:
        wanted["states"] = list(states)
    ((total,),) = await database.read(_count_query(by_status=states is not None), **wanted)
    query = _page_query(order, by_status=states is not None)
    rows = await database.read(query, **wanted, limit=limit, offset=offset)
    return ItemPage(items=[ShownItem(*row) for row in rows], total=total)


async def list_seen_items(
    database: Database, *, account_id: int, states: Sequence[str] | None, order: ItemOrder, limit: int, offset: int
) -> SeenPage:
    """All items of an account's libraries, and the published items of public ones, in the order of ``list_items``."""
    wanted: dict[str, Any] = {"account_id": account_id}
    if states is not None:
        wanted["states"] = list(states)
    ((total,),) = await database.read(_seen_count_query(by_status=states is not None), **wanted)
    query = _seen_page_query(order, by_status=states is not None)
    rows = await database.read(query, **wanted, limit=limit, offset=offset)
    return SeenPage(items=[(ShownItem(*row[:-1]), row[-1]) for row in rows], total=total)


@cache
def _count_query(*, by_status: bool) -> Query:
    return Query(_of_dataset(select(func.count()).select_from(Item), by_status=by_status))


@cache
def _page_query(order: ItemOrder, *, by_status: bool) -> Query:
    page = _paged(_of_dataset(select(Item.id), by_status=by_status), order)
    return Query(_SHOWN.join(page, page.c.id == Item.id).order_by(*_ORDERS[order]))


@cache
def _seen_count_query(*, by_status: bool) -> Query:
    return Query(_seen(select(func.count()).select_from(Item), by_status=by_status))


@cache
def _seen_page_query(order: ItemOrder, *, by_status: bool) -> Query:
    page = _paged(_seen(select(Item.id, LibraryMember.role), by_status=by_status), order)
    return Query(_SHOWN.add_columns(page.c.role).join(page, page.c.id == Item.id).order_by(*_ORDERS[order]))


def _paged(selected: Select[Any], order: ItemOrder) -> Subquery:
    return (
        selected.order_by(*_ORDERS[order])
        .limit(bindparam("limit", type_=BigInteger))
        .offset(bindparam("offset", type_=BigInteger))
        .subquery()
    )


def _of_dataset(selected: Select[*tuple[Any, ...]], *, by_status: bool) -> Select[*tuple[Any, ...]]:
    wanted = selected.where(Item.dataset_id == bindparam("dataset_id"))
    return _in_states(wanted, by_status=by_status)


def _seen(selected: Select[*tuple[Any, ...]], *, by_status: bool) -> Select[*tuple[Any, ...]]:
    wanted = (
        selected.join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .outerjoin(LibraryMember, _OWN_MEMBERSHIP)
        .where(or_(LibraryMember.role.is_not(None), and_(Library.visibility == "public", Item.status == "published")))
    )
    return _in_states(wanted, by_status=by_status)


def _in_states(wanted: Select[*tuple[Any, ...]], *, by_status: bool) -> Select[*tuple[Any, ...]]:
    return wanted.where(among_given(Item.status, "states", Text())) if by_status else wanted
