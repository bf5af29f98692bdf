"""Listing and removing datasets; the table itself is in ``libraries``."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog.libraries import Dataset, DatasetView, Library, LibraryMember, dataset_views
from echoic.db.items.items import Item, delete_items_of
from echoic.db.receipts.receipts import BY_REQUEST, Cause
from echoic.db.runs.runs import lock_active_runs_of
from echoic.db.sources.feeds import Feed
from echoic.db.subjects.locks import hold_names_of_dataset
from echoic.db.uploads.uploads import Upload, delete_uploads
from echoic.errors import LegalHold


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetPage:
    """One page of a listing, and how many there are in all."""

    views: tuple[DatasetView, ...]
    total: int


async def list_datasets(
    session: AsyncSession,
    *,
    account_id: int,
    library_slug: str | None = None,
    name_part: str | None = None,
    language: str | None = None,
    limit: int | None,
    offset: int,
) -> DatasetPage:
    """Return the datasets an account may see, in the order in which they were made.

    All of them, or those of one library, with a name that has ``name_part`` in it (in any case), of one language by the
    dataset's setting or else by its feed.
    """
    wanted = dataset_views(account_id).where(or_(LibraryMember.role.is_not(None), Library.visibility == "public"))
    if library_slug is not None:
        wanted = wanted.where(Library.slug == library_slug)
    if name_part is not None:
        wanted = wanted.where(Dataset.name.icontains(name_part, autoescape=True))
    if language is not None:
        told = func.split_part(Feed.podcast["language"].astext, "-", 1)
        of_feed = select(Feed.id).where(Feed.dataset_id == Dataset.id, told == language)
        wanted = wanted.where(
            or_(Dataset.language == language, and_(Dataset.language.is_(None), of_feed.correlate(Dataset).exists()))
        )
    total = await session.scalar(select(func.count()).select_from(wanted.with_only_columns(Dataset.id).subquery()))
    rows = await session.execute(wanted.order_by(Dataset.id).limit(limit).offset(offset))
    views = tuple(DatasetView(dataset=row[0], library=row[1], role=row[2]) for row in rows)
    return DatasetPage(views=views, total=total or 0)


async def first_own_dataset(session: AsyncSession, account_id: int) -> int | None:
    """Return the oldest dataset for uploads in the library that an account has owned for longest; None without any."""
    return await session.scalar(
        select(Dataset.id)
        .join(LibraryMember, LibraryMember.library_id == Dataset.library_id)
        .where(LibraryMember.account_id == account_id, LibraryMember.role == "owner", Dataset.content_type == "uploads")
        .order_by(LibraryMember.created_at, Dataset.library_id, Dataset.id)
        .limit(1)
    )


async def names_of(session: AsyncSession, dataset_ids: Iterable[int]) -> dict[int, str]:
    """Return the names of those of some datasets that are there, by their ids."""
    rows = await session.execute(select(Dataset.id, Dataset.name).where(Dataset.id.in_(list(dataset_ids))))
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemCount:
    """The number of items of a dataset."""

    total: int = 0
    published: int = 0


async def count_items(session: AsyncSession, dataset_ids: Iterable[int]) -> dict[int, ItemCount]:
    """Return how many items each of the given datasets has; one without any is left out."""
    published = func.count().filter(Item.status == "published")
    rows = await session.execute(
        select(Item.dataset_id, func.count(), published)
        .where(Item.dataset_id.in_(list(dataset_ids)))
        .group_by(Item.dataset_id)
    )
    return {row[0]: ItemCount(total=row[1], published=row[2]) for row in rows}


async def delete_library(session: AsyncSession, library_id: int, cause: Cause = BY_REQUEST) -> list[str]:
    """Forget a library with all its datasets; returns the keys whose bytes may be deleted after the commit."""
    # Nobody may put a dataset into what is about to go.
    await session.execute(select(Library.id).where(Library.id == library_id).with_for_update())
    ids = await session.scalars(select(Dataset.id).where(Dataset.library_id == library_id).order_by(Dataset.id))
    keys = [key for dataset_id in ids.all() for key in await delete_dataset(session, dataset_id, cause)]
    await session.execute(delete(Library).where(Library.id == library_id))
    return keys


async def count_datasets(session: AsyncSession, library_id: int) -> int:
    """Return how many datasets a library holds; none is added until the transaction ends."""
    await session.execute(select(Library.id).where(Library.id == library_id).with_for_update())
    query = select(func.count()).select_from(Dataset).where(Dataset.library_id == library_id)
    return await session.scalar(query) or 0


async def delete_dataset(session: AsyncSession, dataset_id: int, cause: Cause = BY_REQUEST) -> list[str]:
    """Forget a dataset with its items and uploads; returns the keys whose bytes may be deleted after the commit.

    Raises LegalHold where it, or one of its items, is held.
    """
    await hold_names_of_dataset(session, dataset_id)
    # Uploads hold the dataset, workers their run: neither may add to what is about to go.
    is_held = select(Dataset.legal_hold).where(Dataset.id == dataset_id).with_for_update()
    if await session.scalar(is_held):
        raise LegalHold(
            f"Dataset {dataset_id} is under legal hold, and cannot be deleted until an owner of its library lifts it."
        )
    await lock_active_runs_of(session, dataset_id)
    unfinished = select(Upload.id).where(Upload.dataset_id == dataset_id, Upload.item_id.is_(None))
    keys = await delete_uploads(session, await session.scalars(unfinished))
    keys += await delete_items_of(session, dataset_id, cause)
    await session.execute(delete(Dataset).where(Dataset.id == dataset_id))
    return keys
