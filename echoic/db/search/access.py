"""Rights of an account at this moment, and the ids that names stand for, for an engine outside of PostgreSQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BigInteger, Text, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library
from echoic.db.items.items import Item
from echoic.db.reads import Query, ask
from echoic.db.search.conditions import item_conditions, parameters, readable_datasets
from echoic.db.speakers.speakers import Speaker
from echoic.db.subjects.subjects import Subject
from echoic.search.question import Search


@dataclass(frozen=True, slots=True)
class ReadableDataset:
    """A dataset that the account may read, in which nothing is redacted for it."""

    id: int
    library_id: int


async def readable(session: AsyncSession, search: Search) -> list[ReadableDataset]:
    """Return the datasets in which a search may find something: those the account may read and the filters name."""
    given = parameters(search)
    narrowing = {name: given[name] for name in ("libraries", "datasets") if name in given}
    rows = await ask(session, _readable(frozenset(narrowing)), account_id=search.account_id, **narrowing)
    return [ReadableDataset(*row) for row in rows]


@lru_cache(4)
def _readable(given: frozenset[str]) -> Query:
    datasets = readable_datasets().add_columns(Dataset.library_id)
    if "libraries" in given:
        datasets = datasets.where(among_given(Library.slug, "libraries", Text()))
    if "datasets" in given:
        datasets = datasets.where(among_given(Dataset.id, "datasets", BigInteger()))
    return Query(datasets)


_STILL = Query(select(Item.id).where(among_given(Item.id, "ids", BigInteger()), *item_conditions(())))


async def still_readable(session: AsyncSession, account_id: int, ids: Collection[int]) -> set[int]:
    """Return those of the items that are published and that the account may read."""
    if not ids:
        return set()
    return {row[0] for row in await ask(session, _STILL, account_id=account_id, ids=list(ids))}


_SPEAKERS = Query(select(Speaker.id).where(among_given(func.lower(Speaker.name), "names", Text())))
_SUBJECTS = Query(select(Subject.id).where(among_given(func.lower(Subject.name), "names", Text())))


async def speakers_named(session: AsyncSession, names: Sequence[str]) -> list[int]:
    """Return the ids of the known speakers of these names, in whatever case."""
    return [row[0] for row in await ask(session, _SPEAKERS, names=[name.lower() for name in names])]


async def subjects_named(session: AsyncSession, names: Sequence[str]) -> list[int]:
    """Return the ids of the subjects that people gave these names, in whatever case."""
    return [row[0] for row in await ask(session, _SUBJECTS, names=[name.lower() for name in names])]
