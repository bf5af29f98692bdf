"""Reads pages of items: those of a dataset, and all that an account may see, each with how many there are in all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from sqlalchemy.sql.selectable import LateralFromClause

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original
from echoic.db.catalog.rights import Rights
from echoic.db.connect import Database
from echoic.db.items.items import Blob, Item, ItemOrder
from echoic.db.items.shown_items import COLUMNS, OWN_BLOB, OWN_MEMBERSHIP, OWN_RUN, RIGHTS, ShownItem
from echoic.db.reads import Query
from echoic.db.runs.runs import PipelineRun
from echoic.db.speakers.speakers import ItemSpeaker, Speaker
from echoic.db.transcripts.transcripts import Segment, shown_speaker


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
_LIBRARIES_SEEN = union_all(
    select(LibraryMember.library_id).where(LibraryMember.account_id == bindparam("account_id", type_=BigInteger)),
    select(Library.id).where(Library.visibility == "public"),
)
_RIGHTS_TO_DATASET = (
    select(*RIGHTS)
    .join(Dataset, Dataset.library_id == Library.id)
    .outerjoin(LibraryMember, OWN_MEMBERSHIP)
    .where(Dataset.id == bindparam("dataset_id"))
    .subquery("rights")
)


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

    # Beside the rights, not among the columns: those are computed for each row of the page.
    total = of_dataset(select(func.count().label("total")).select_from(Item)).lateral()
    page = _paged(of_dataset(select(Item.id)), order)
    return _list_query(total.c.total, page, rights.c, begun=rights.join(total, true()))


@cache
def _seen_page_query(order: ItemOrder, filters: frozenset[str]) -> Query:
    total = _seen(select(func.count().label("total")).select_from(Item), filters).subquery()
    page = _paged(_seen(select(Item.id, *RIGHTS), filters), order)
    return _list_query(total.c.total, page, (page.c.visibility, page.c.role, page.c.redaction), begun=total)


def _list_query(
    total: ColumnElement[int], page: LateralFromClause, rights: Iterable[ColumnElement[Any]], *, begun: FromClause
) -> Query:
    """Return one statement for a page, the total and the rights, which takes half the time of three."""
    return Query(
        select(total, page.c.place, *rights, *COLUMNS, _speakers())
        .select_from(begun)
        .outerjoin(page, true())
        .outerjoin(Item, Item.id == page.c.id)
        .outerjoin(Blob, OWN_BLOB)
        .outerjoin(PipelineRun, OWN_RUN)
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
        .outerjoin(LibraryMember, OWN_MEMBERSHIP)
        .where(or_(LibraryMember.role.is_not(None), and_(Library.visibility == "public", Item.status == "published")))
        # The same again, but for the status: what the database can begin with, in place of reading the items of all libraries.
        .where(Library.id.in_(_LIBRARIES_SEEN))
        .where(*(_FILTERS[name] for name in filters))
    )
    if not filters.isdisjoint(("speaker", "title")):
        # What a list by a name or a word holds would tell of the names and words that are redacted in it.
        wanted = wanted.where(reads_original(bindparam("account_id", type_=BigInteger)))
    return wanted
