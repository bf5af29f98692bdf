"""Names over many recordings: what a list of them may be narrowed to by a caller."""

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.subjects.found import FoundSubject, find_subject
from echoic.db.subjects.readable import Readable, find_readable
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.errors import EntityNotFound
from echoic.reading.lookup import readable_dataset, readable_library


async def require_readable(session: AsyncSession, filters: EntityFilters, caller: Caller) -> None:
    """Raise LibraryNotFound or DatasetNotFound where the caller may not read what the list is narrowed to."""
    if filters.library is not None:
        await readable_library(session, filters.library, caller)
    if filters.dataset is not None:
        await readable_dataset(session, filters.dataset, caller)


async def readable_subject(
    session: AsyncSession, subject_id: int, filters: EntityFilters, caller: Caller
) -> tuple[FoundSubject, Readable]:
    """Return a subject with what is counted of it in the datasets that filters leave, and these datasets.

    Raises EntityNotFound, and LibraryNotFound or DatasetNotFound as ``require_readable``.
    """
    await require_readable(session, filters, caller)
    readable = await find_readable(session, account_id=caller.account_id, filters=filters)
    subject = await find_subject(session, subject_id, readable)
    if subject is None:
        raise EntityNotFound
    return subject, readable
