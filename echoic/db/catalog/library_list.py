"""Libraries as they are listed: with their curator, their numbers, and the asking account's role."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, desc, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.accounts.accounts import Account
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, LibrarySubscription
from echoic.db.items.items import Item

_own = aliased(LibraryMember)
_subscribed = aliased(LibrarySubscription)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedLibrary:
    """A library as one account sees it, with its numbers."""

    library: Library
    curator: str
    role: str | None
    is_subscribed: bool
    subscriber_count: int
    """Its members, and those who follow it without being one."""
    dataset_count: int
    episode_count: int
    """Published items of all its datasets."""


async def list_libraries(
    session: AsyncSession, *, account_id: int, mine: bool, limit: int | None, offset: int
) -> tuple[list[ListedLibrary], int]:
    """The public libraries, or those the account is a member of or follows; those followed most first. And how many."""
    public: ColumnElement[bool] = Library.visibility == "public"
    wanted = or_(_own.role.is_not(None), and_(_subscribed.account_id.is_not(None), public)) if mine else public
    query = _listed(account_id).where(wanted)
    total = await session.scalar(select(func.count()).select_from(query.with_only_columns(Library.id).subquery()))
    rows = await session.execute(query.order_by(desc("subscriber_count"), Library.id).limit(limit).offset(offset))
    return [_from_row(*row) for row in rows], total or 0


async def get_listed(session: AsyncSession, *, library_id: int, account_id: int) -> ListedLibrary:
    """Return one library by its id, which comes from a row that refers to it."""
    row = (await session.execute(_listed(account_id).where(Library.id == library_id))).one()
    return _from_row(*row)


def _from_row(  # noqa: PLR0917 - the columns of _listed
    library: Library, curator: str, role: str | None, subscribed: bool, subscribers: int, datasets: int, episodes: int
) -> ListedLibrary:
    return ListedLibrary(
        library=library,
        curator=curator,
        role=role,
        is_subscribed=subscribed,
        subscriber_count=subscribers,
        dataset_count=datasets,
        episode_count=episodes,
    )


def _listed(account_id: int) -> Select[Library, str, str, bool, int, int, int]:
    members = select(func.count()).select_from(LibraryMember).where(LibraryMember.library_id == Library.id)
    others = select(func.count()).select_from(LibrarySubscription).where(LibrarySubscription.library_id == Library.id)
    datasets = select(func.count()).select_from(Dataset).where(Dataset.library_id == Library.id)
    episodes = (
        select(func.count())
        .select_from(Item)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .where(Dataset.library_id == Library.id, Item.status == "published")
    )
    return (
        select(
            Library,
            Account.name,
            _own.role,
            or_(_own.role.is_not(None), _subscribed.account_id.is_not(None)),
            (members.correlate(Library).scalar_subquery() + others.correlate(Library).scalar_subquery()).label(
                "subscriber_count"
            ),
            datasets.correlate(Library).scalar_subquery().label("dataset_count"),
            episodes.correlate(Library).scalar_subquery().label("episode_count"),
        )
        .join(Account, Account.id == Library.owner_account_id)
        .outerjoin(_own, (_own.library_id == Library.id) & (_own.account_id == account_id))
        .outerjoin(_subscribed, (_subscribed.library_id == Library.id) & (_subscribed.account_id == account_id))
    )
