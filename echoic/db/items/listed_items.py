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
    SQLColumnExpression,
    Text,
    bindparam,
    cast,
    distinct,
    func,
    null,
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
from echoic.db.items.counts import Counted, number_of
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
        asked = {name: getattr(self, name) for name in (*_OF_COUNTS, *_FILTERS)}
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


_KEYS: Mapping[ItemOrder, SQLColumnExpression[Any]] = {
    "newest": Item.id,
    "oldest": Item.id,
    "title": func.lower(Item.title),
    "longest": Item.duration_seconds,
}
"""What each order goes by."""


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
    "title": func.strpos(func.lower(Item.title), _small("title")) > 0,
    "language": Item.language == bindparam("language", type_=Text()),
    "speaker": _said_by_name(),
}
_OF_COUNTS = frozenset({"states"})
"""Filters by what the items are counted by."""
_ACCOUNT, _LIMIT, _OFFSET = (bindparam(name, type_=BigInteger) for name in ("account_id", "limit", "offset"))
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

    def of_dataset(selected: Select[Any], what: Counted) -> Select[Any]:
        mine = selected.where(what.dataset_id == bindparam("dataset_id"), *_taken(what, filters))
        return mine.where(or_(rights.c.role.is_not(None), what.status == "published")).correlate(rights)

    what, number = number_of(by_status_alone=filters <= _OF_COUNTS)
    # Beside the rights, not among the columns: those are computed for each row of the page.
    total = of_dataset(select(number.label("total")), what).lateral()
    page = _paged(of_dataset(select(Item.id), Item), order, key=_KEYS[order], item_id=Item.id)
    return _list_query(total.c.total, page, rights.c, begun=rights.join(total, true()))


@cache
def _seen_page_query(order: ItemOrder, filters: frozenset[str]) -> Query:
    """Members' items and those of other public libraries apart: for each the database knows what to begin with.

    With many libraries that are the items in their order, with few the libraries.
    """
    what, number = number_of(by_status_alone=filters <= _OF_COUNTS)
    counted = select(number.label("number"))
    counts = union_all(_as_member(counted, what, filters), _as_stranger(counted, what, filters)).subquery()
    total = select(cast(func.sum(counts.c.number), BigInteger).label("total")).subquery()

    ordered = select(Item.id, _KEYS[order].label("key"), Library.visibility, Dataset.redaction)
    reach = _LIMIT + _OFFSET
    first = [
        apart.order_by(*_in_order(order, _KEYS[order], Item.id)).limit(reach)
        for apart in (
            _as_member(ordered.add_columns(LibraryMember.role), Item, filters),
            _as_stranger(ordered.add_columns(cast(null(), Text).label("role")), Item, filters),
        )
    ]
    seen = union_all(*first).subquery()
    selected = select(seen.c.id, seen.c.visibility, seen.c.role, seen.c.redaction)
    page = _paged(selected, order, key=seen.c.key, item_id=seen.c.id)
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


def _paged(
    selected: Select[Any], order: ItemOrder, *, key: SQLColumnExpression[Any], item_id: SQLColumnExpression[int]
) -> LateralFromClause:
    in_order = _in_order(order, key, item_id)
    place = func.row_number().over(order_by=in_order).label("place")
    return selected.add_columns(place).order_by(*in_order).limit(_LIMIT).offset(_OFFSET).lateral()


def _in_order(
    order: ItemOrder, key: SQLColumnExpression[Any], item_id: SQLColumnExpression[int]
) -> Sequence[ColumnElement[Any]]:
    match order:
        case "newest":
            return (key.desc(),)
        case "oldest":
            return (key.asc(),)
        case "title":
            return (key.asc(), item_id.desc())
        case "longest":
            return (key.desc().nulls_last(), item_id.desc())


def _as_member(selected: Select[*tuple[Any, ...]], what: Counted, filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    """Narrow to all items of the account's libraries."""
    return _filtered(selected, what, filters).join(LibraryMember, OWN_MEMBERSHIP)


def _as_stranger(
    selected: Select[*tuple[Any, ...]], what: Counted, filters: frozenset[str]
) -> Select[*tuple[Any, ...]]:
    """Narrow to the published items of other public libraries."""
    membership = select(LibraryMember.library_id).where(OWN_MEMBERSHIP).correlate(Library).exists()
    wanted = _filtered(selected, what, filters).where(Library.visibility == "public", ~membership)
    return wanted.where(what.status == "published")


def _filtered(selected: Select[*tuple[Any, ...]], what: Counted, filters: frozenset[str]) -> Select[*tuple[Any, ...]]:
    wanted = (
        selected.join_from(what, Dataset, Dataset.id == what.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .where(*_taken(what, filters))
    )
    if not filters.isdisjoint(("speaker", "title")):
        # What a list by a name or a word holds would tell of the names and words that are redacted in it.
        wanted = wanted.where(reads_original(_ACCOUNT))
    return wanted


def _taken(what: Counted, filters: frozenset[str]) -> list[ColumnElement[bool]]:
    """Return the conditions of filters; kept counts know those of ``_OF_COUNTS`` alone."""
    return [among_given(what.status, name, Text()) if name in _OF_COUNTS else _FILTERS[name] for name in filters]
