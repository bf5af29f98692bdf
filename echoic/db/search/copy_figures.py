"""The state of the copies of the search index, as the metrics tell it."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search.copies import SearchChange, SearchCopy
from echoic.db.search.refused_items import look_at_refusals
from echoic.records import SearchCopyFigures


async def look_at_copy(session: AsyncSession) -> SearchCopyFigures:
    """Return the state of the copy that answers searches, and of a new one that is held back."""
    complete = select(SearchCopy.id).where(SearchCopy.complete)
    is_usable = await session.scalar(complete.limit(1)) is not None
    age = func.extract("epoch", func.now() - SearchChange.noted_at)
    oldest = select(age).where(SearchChange.copy_id.in_(complete)).order_by(SearchChange.id).limit(1)
    refusals = await look_at_refusals(session)
    return SearchCopyFigures(
        is_usable=is_usable,
        behind_seconds=float(await session.scalar(oldest) or 0.0),
        refused_items=refusals.number,
        held_back=refusals.held_back,
    )
