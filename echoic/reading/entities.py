"""Names over many recordings: what a list of them may be narrowed to by a caller."""

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.subjects.found import FoundSubject, find_subject, readable_datasets
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
) -> tuple[FoundSubject, list[int]]:
    """Return a subject with what is counted of it in the datasets that filters leave, and the ids of these datasets.

    Raises EntityNotFound, and LibraryNotFound or DatasetNotFound as ``require_readable``.
    """
    await require_readable(session, filters, caller)
    datasets = await readable_datasets(session, account_id=caller.account_id, filters=filters)
    subject = await find_subject(session, subject_id, datasets)
    if subject is None:
        raise EntityNotFound
    return subject, datasets
