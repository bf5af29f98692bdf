"""Rebuilds index entries of an older schema version, item by item in one transaction each, while these still answer."""

from collections.abc import Callable

from echoic.db.connect import Database
from echoic.db.search import index_write
from echoic.logs import get_logger

INTERVAL_SECONDS = 600.0
"""Seconds between looks for older entries: another server of an older version may still make some."""

logger = get_logger(__name__)


async def reindex_outdated(database: Database) -> None:
    """Replace the entries of older versions, and say so in the log. Raises DatabaseUnavailable."""
    if done := await reindex(database):
        logger.info("reindexed", items=done)


async def reindex(
    database: Database, *, everything: bool = False, on_progress: Callable[[int, int], None] | None = None
) -> int:
    """Rebuild the outdated entries, or all there are, those of the newest items first; return the number of items.

    ``on_progress`` gets the number of items done and of those there are to do. Several processes may do it at once;
    one that is interrupted is gone on with where it was. Raises DatabaseUnavailable.
    """
    async with database.transaction() as session:
        waiting = await index_write.items_to_index(session, outdated_only=not everything)
    for number, item_id in enumerate(waiting, 1):
        async with database.transaction() as session:
            await index_write.index_item(session, item_id=item_id)
        if on_progress is not None:
            on_progress(number, len(waiting))
    return len(waiting)
