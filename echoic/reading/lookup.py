"""Things by their ids, for those who may see them: what is hidden and what is absent are told apart by nobody."""

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.access import Caller
from echoic.db.catalog import libraries
from echoic.db.catalog.libraries import DatasetView, LibraryView
from echoic.db.connect import Database
from echoic.db.items import items, shown_items
from echoic.db.items.items import ItemView
from echoic.db.items.shown_items import ShownItem
from echoic.db.runs import runs
from echoic.db.subjects.locks import hold_names_of_item
from echoic.errors import DatasetNotFound, ItemNotFound, LibraryNotFound, OriginalWithheld
from echoic.reading.redacted import policy_for
from echoic.reading.titles import with_shown_titles
from echoic.redaction.policy import Policy


async def readable_item(session: AsyncSession, item_id: int, caller: Caller) -> ItemView:
    """An item the caller may read; raises ItemNotFound."""
    view = await items.view_item(session, item_id=item_id, account_id=caller.account_id)
    if view is None:
        raise ItemNotFound
    access.require_item_read(visibility=view.library.visibility, role=view.role, status=view.item.status)
    return view


async def shown_item(database: Database, item_id: int, caller: Caller) -> tuple[ShownItem, Policy | None]:
    """The same to be shown: quicker, for the call that clients ask most; raises ItemNotFound.

    The policy is that by which the caller reads it; None where the caller reads the original. By it, title and
    description are redacted already.
    """
    seen = await shown_items.see_item(database, item_id=item_id, account_id=caller.account_id)
    if seen is None:
        raise ItemNotFound
    item, rights = seen
    access.require_item_read(visibility=rights.visibility, role=rights.role, status=item.status)
    policy = policy_for(rights)
    (shown,) = await with_shown_titles(database, [(item, policy)])
    return shown if access.sees_work(rights.role) else shown.without_work(), policy


async def changeable_item(session: AsyncSession, item_id: int, caller: Caller) -> ItemView:
    """An item the caller may change, start and cancel work on, locked until the transaction ends.

    Raises:
        ItemNotFound: the caller may not even see it.
        Forbidden: the caller may not change it.
    """
    await hold_names_of_item(session, item_id)
    # The run before the item: in this order the workers lock them, and nobody waits for each other.
    await runs.newest_run(session, item_id, lock=True)
    await items.lock_item(session, item_id)
    view = await items.view_item(session, item_id=item_id, account_id=caller.account_id)
    if view is None:
        raise ItemNotFound
    access.require_item_change(visibility=view.library.visibility, role=view.role, status=view.item.status)
    return view


async def readable_dataset(session: AsyncSession, dataset_id: int, caller: Caller) -> DatasetView:
    """A dataset the caller may read; raises DatasetNotFound."""
    view = await libraries.view_dataset(session, dataset_id=dataset_id, account_id=caller.account_id)
    if view is None:
        raise DatasetNotFound
    access.require_dataset_read(visibility=view.library.visibility, role=view.role)
    return view


async def changeable_dataset(session: AsyncSession, dataset_id: int, caller: Caller) -> DatasetView:
    """A dataset the caller may change, locked until the transaction ends; raises DatasetNotFound and Forbidden."""
    await libraries.lock_dataset(session, dataset_id)
    view = await readable_dataset(session, dataset_id, caller)
    access.require_dataset_change(visibility=view.library.visibility, role=view.role)
    return view


async def deletable_dataset(session: AsyncSession, dataset_id: int, caller: Caller) -> DatasetView:
    """A dataset the caller may remove, locked until the transaction ends; raises DatasetNotFound and Forbidden."""
    await libraries.lock_dataset(session, dataset_id)
    view = await readable_dataset(session, dataset_id, caller)
    access.require_dataset_delete(visibility=view.library.visibility, role=view.role)
    return view


async def readable_library(session: AsyncSession, slug: str, caller: Caller) -> LibraryView:
    """A library the caller may read; raises LibraryNotFound."""
    view = await libraries.view_library(session, slug=slug, account_id=caller.account_id)
    if view is None:
        raise LibraryNotFound
    access.require_library_read(visibility=view.library.visibility, role=view.role)
    return view


async def lasting_library(session: AsyncSession, slug: str, caller: Caller) -> LibraryView:
    """A library the caller may read and that nobody deletes until the transaction ends; raises LibraryNotFound."""
    await libraries.hold_library(session, slug)
    return await readable_library(session, slug, caller)


async def changeable_library(session: AsyncSession, slug: str, caller: Caller) -> LibraryView:
    """A library the caller may add to, as ``lasting_library``; raises LibraryNotFound and Forbidden."""
    view = await lasting_library(session, slug, caller)
    access.require_library_change(visibility=view.library.visibility, role=view.role)
    return view


async def library_of_member(session: AsyncSession, slug: str, caller: Caller) -> LibraryView:
    """A library the caller is a member of; raises LibraryNotFound and Forbidden."""
    view = await readable_library(session, slug, caller)
    access.require_library_member(visibility=view.library.visibility, role=view.role)
    return view


async def library_of_owner(session: AsyncSession, slug: str, caller: Caller) -> LibraryView:
    """A library the caller owns, locked until the transaction ends; raises LibraryNotFound and Forbidden."""
    await libraries.lock_library(session, slug)
    view = await readable_library(session, slug, caller)
    access.require_library_owner(visibility=view.library.visibility, role=view.role)
    return view


async def readable_people(session: AsyncSession, slug: str, caller: Caller) -> LibraryView:
    """A library whose people the caller may know by name; raises LibraryNotFound and OriginalWithheld."""
    view = await readable_library(session, slug, caller)
    await _require_names(session, view)
    return view


async def people_of_member(session: AsyncSession, slug: str, caller: Caller) -> LibraryView:
    """A library of which the caller is a member and may know the people; raises what ``library_of_member`` does, and OriginalWithheld."""
    view = await library_of_member(session, slug, caller)
    await _require_names(session, view)
    return view


async def changeable_people(session: AsyncSession, slug: str, caller: Caller) -> LibraryView:
    """A library whose people the caller may change; raises LibraryNotFound, Forbidden and OriginalWithheld."""
    view = await changeable_library(session, slug, caller)
    await _require_names(session, view)
    return view


async def _require_names(session: AsyncSession, view: LibraryView) -> None:
    if await libraries.hides_names(session, library_id=view.library.id, role=view.role):
        raise OriginalWithheld("A dataset of the library hides names from your role, and its people are known by name.")
