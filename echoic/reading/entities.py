"""Names over many recordings: what a list of them may be narrowed to by a caller."""

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.reading.lookup import readable_dataset, readable_library


async def require_readable(session: AsyncSession, filters: EntityFilters, caller: Caller) -> None:
    """Raise LibraryNotFound or DatasetNotFound where the caller may not read what the list is narrowed to."""
    if filters.library is not None:
        await readable_library(session, filters.library, caller)
    if filters.dataset is not None:
        await readable_dataset(session, filters.dataset, caller)
