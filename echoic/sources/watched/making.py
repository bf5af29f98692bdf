"""Making and changing watched sources: the place is allowed, there, and readable, or the request is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.catalog.libraries import DatasetView, Library
from echoic.db.sources import watched, watched_files
from echoic.db.sources.watched import WatchedSource
from echoic.errors import FieldInvalid, SourceNotFound, SourceNotWritable, TooManySources
from echoic.sources.watched.permits import Asker, Permits
from echoic.sources.watched.place import Place

MAX_SOURCES = 20
"""Of one dataset."""
LOOK_EVERY_SECONDS = 30.0
SETTLE_SECONDS = 10.0
_DEFAULTS = {"look_every_seconds": LOOK_EVERY_SECONDS, "settle_seconds": SETTLE_SECONDS}


async def require_place(permits: Permits, given: Mapping[str, Any], *, content_type: str, asker: Asker) -> None:
    """Check the place that fields of a request name, for a dataset of this type.

    Raises FieldInvalid, SourceNotAllowed, SourceUnreachable where it cannot be read, SourceNotWritable where it is to be written to
    and cannot.
    """
    place = _allowed_place(permits, given, content_type=content_type, asker=asker)
    await _require_usable(place, writes=given.get("when_done", "move") != "leave")


def _allowed_place(permits: Permits, given: Mapping[str, Any], *, content_type: str, asker: Asker) -> Place:
    """Return the place that fields of a request name. Raises FieldInvalid and SourceNotAllowed; nothing is looked at."""
    folder, bucket = given.get("folder"), given.get("bucket")
    if (folder is None) == (bucket is None):
        raise FieldInvalid("Give either 'folder' or 'bucket', and with a bucket 'prefix' for a part of it.")
    if folder is not None and given.get("prefix"):
        raise FieldInvalid("prefix: only a source in a bucket has one; name the folder itself in 'folder'.")
    if content_type != "uploads":
        raise FieldInvalid("Only a dataset whose 'content_type' is 'uploads' can have sources.")
    return permits.place(folder=folder, bucket=bucket, prefix=given.get("prefix") or "", asker=asker)


def asker_of(library: Library, caller: Caller) -> Asker:
    """Return for whom a caller makes sources in a library."""
    return Asker(library=library.slug, is_admin=caller.is_admin)


async def _require_usable(place: Place, *, writes: bool) -> None:
    """Raise SourceUnreachable where a place cannot be read, SourceNotWritable where it is to be written to and cannot."""
    await place.require_readable()
    if not writes:
        return
    try:
        await place.require_writable()
    except SourceNotWritable as error:
        raise SourceNotWritable(f"{error.message} With 'when_done' as 'leave' its files stay as they are.") from error


async def make_source(
    session: AsyncSession, view: DatasetView, caller: Caller, given: Mapping[str, Any]
) -> WatchedSource:
    """Make a source whose place is allowed and usable, in the caller's transaction; the caller's account pays.

    Raises TooManySources.
    """
    _, there_are = await watched.list_sources(session, view.dataset.id, limit=1, offset=0)
    if there_are >= MAX_SOURCES:
        raise TooManySources(f"The dataset has {there_are} sources; at most {MAX_SOURCES} are allowed.")
    columns = {**_DEFAULTS, **given, "dataset_id": view.dataset.id, "account_id": caller.account_id}
    return await watched.create_source(session, **columns)


async def source_of(session: AsyncSession, dataset_id: int, source_id: int) -> WatchedSource:
    """Return a source of a dataset, locked. Raises SourceNotFound."""
    source = await watched.find_source(session, dataset_id=dataset_id, source_id=source_id)
    if source is None:
        raise SourceNotFound
    return source


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCounts:
    """Numbers of files of a source."""

    settling: int
    waiting: int
    taken: int
    failed: int
    stay: int
    """Of the taken ones, those that stay where they are."""


async def counts_of(session: AsyncSession, source: WatchedSource) -> FileCounts:
    """Count a source's files by what became of them."""
    counted = await watched_files.count_states(session, source.id)

    def number(state: str) -> int:
        return sum(count for (one, _), count in counted.items() if one == state)

    return FileCounts(
        settling=number("settling"),
        waiting=number("waiting"),
        taken=number("taken"),
        failed=number("failed"),
        stay=counted.get(("taken", True), 0),
    )
