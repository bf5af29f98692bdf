"""Looks at watched places: the one that is due is leased, what lies there is written down, then it says when next.

Any number of processes may do so. A look takes nothing in; it tells which files have stopped to grow, which have changed,
and which failed ones are to be tried again. Memory is flat in the number of files.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from echoic.db.connect import Database
from echoic.db.outbox import telling
from echoic.db.sources import watched, watched_files
from echoic.db.sources.watched import SourceView, WatchedSource
from echoic.db.sources.watched_files import WatchedFile
from echoic.errors import (
    EchoicError,
    InvalidInput,
    SourceNotAllowed,
    SourceNotWritable,
    SourceTooLarge,
    SourceUnreachable,
    WatchedFileUnreadable,
)
from echoic.intake.leases import renewed
from echoic.logs import get_logger
from echoic.sources.watched.names import ERROR, SIDECAR, beside
from echoic.sources.watched.permits import Asker, Permits
from echoic.sources.watched.place import BATCH, Found, Place
from echoic.sources.watched.sidecar import name_fault_text

INTERVAL_SECONDS = 5.0
LEASE_SECONDS = 60.0
RENEW_SECONDS = 20.0
LOOK_SECONDS = 300.0
"""For one look, however much there is to be seen."""
TELL_AFTER_FAILURES = 3
"""Failures in a row after which those who want to know are told, once."""
LONGEST_WAIT_SECONDS = 900.0

logger = get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class _Look:
    """One source as it is being looked at."""

    source: WatchedSource
    token: uuid.UUID
    seen: int = 0
    fault: EchoicError | None = None


class Looks:
    """Looks at sources that are due."""

    def __init__(self, database: Database, permits: Permits) -> None:
        self._database = database
        self._permits = permits

    async def look_next(self) -> bool:
        """Look at the source that has been due for longest; returns whether there was one. Raises DatabaseUnavailable."""
        if not await watched.any_due(self._database):
            return False
        token = uuid.uuid4()
        async with self._database.transaction() as session:
            source = await watched.take_due(session, lease=token, seconds=LEASE_SECONDS)
            view = None if source is None else await watched.view_source(session, source.id)
        if view is None:
            return False
        source_id = view.source.id

        async def renew() -> bool:
            async with self._database.transaction() as session:
                return await watched.renew_lease(session, source_id, lease=token, seconds=LEASE_SECONDS)

        look = _Look(source=view.source, token=token)
        async with renewed(renew, every_seconds=RENEW_SECONDS):
            await self._look(look, view)
        await self._conclude(look)
        return True

    async def _look(self, look: _Look, view: SourceView) -> None:
        try:
            place = place_of(self._permits, view)
            async with asyncio.timeout(LOOK_SECONDS):
                await self._see(look, place)
                await self._look_at_failed(look, place)
        except TimeoutError:
            look.fault = SourceTooLarge(
                f"It could not be looked through in {LOOK_SECONDS:g} seconds, after {look.seen:,} files; watch parts of it as "
                "sources of their own."
            )
        except InvalidInput as error:
            look.fault = error

    async def _see(self, look: _Look, place: Place) -> None:
        source = look.source
        async with contextlib.aclosing(place.files(source)) as batches:
            async for batch in batches:
                look.seen += len(batch)
                # A folder that changes while it is listed may give a name twice.
                by_identity = {row["identity"]: row for row in (one.row(WatchedFileUnreadable.code) for one in batch)}
                rows = list(by_identity.values())
                async with self._database.transaction() as session:
                    if not await watched.hold_leased(session, source.id, lease=look.token):
                        return
                    moves = source.when_done == "move"
                    await watched_files.put_files(session, source, rows, look=source.looks, moves=moves)
                if source.error_files:
                    await _tell_beside(place, batch)
        async with self._database.transaction() as session:
            if await watched.hold_leased(session, source.id, lease=look.token):
                await watched_files.forget_vanished(session, source.id, look=source.looks)

    async def _look_at_failed(self, look: _Look, place: Place) -> None:
        after_id = 0
        while True:
            async with self._database.transaction() as session:
                failed = await watched_files.list_failed(session, look.source.id, after_id=after_id, limit=BATCH)
            if not failed:
                return
            after_id = failed[-1].id
            again = await _to_be_tried(place, failed)
            if again:
                async with self._database.transaction() as session:
                    await watched_files.try_again(session, look.source.id, again)

    async def _conclude(self, look: _Look) -> None:
        source, fault = look.source, look.fault
        failed = 0 if fault is None else source.failed_in_a_row + 1
        wait = source.look_every_seconds
        if failed:
            wait = max(wait, min(wait * 2.0 ** min(failed - 1, 20), LONGEST_WAIT_SECONDS))
        async with self._database.transaction() as session:
            kept = await watched.conclude(
                session,
                source.id,
                lease=look.token,
                next_in_seconds=wait,
                failed_in_a_row=failed,
                files_seen=source.files_seen if fault is not None else look.seen,
                error_code=None if fault is None else fault.code,
                error_message=None if fault is None else fault.message,
            )
            if kept and fault is not None and failed == TELL_AFTER_FAILURES:
                data = {
                    "dataset_id": source.dataset_id,
                    "source_id": source.id,
                    "error": {"code": fault.code, "message": fault.message},
                }
                await telling.tell(session, "source.failed", data, dataset_id=source.dataset_id)
        logger.info(
            "watched_source_looked_at",
            source_id=source.id,
            dataset_id=source.dataset_id,
            files=look.seen,
            error=None if fault is None else fault.code,
            again_in_seconds=round(wait),
        )


async def _tell_beside(place: Place, batch: Sequence[Found]) -> None:
    """Say beside what can never be taken why not; what can be says so once it was tried."""
    for found in batch:
        told = beside(found.path, ERROR)
        if found.fault is None:
            continue
        # Where nothing can be written the list of the API tells.
        with contextlib.suppress(SourceNotWritable, SourceUnreachable):
            if await place.fingerprint(told) is None:
                await place.put(told, name_fault_text(found.path.rpartition("/")[2], found.fault))


async def _to_be_tried(place: Place, failed: Sequence[WatchedFile]) -> list[int]:
    """Return the ids of files whose error file was deleted, or whose metadata is not what it was."""
    again = []
    for file in failed:
        is_deleted = file.told_beside and await place.fingerprint(beside(file.path, ERROR)) is None
        if is_deleted or await place.fingerprint(f"{file.path}{SIDECAR}") != file.sidecar:
            again.append(file.id)
    return again


def place_of(permits: Permits, view: SourceView) -> Place:
    """Return where a source lies, as the operator and the account that made it allow today. Raises SourceNotAllowed."""
    if view.account_id is None:
        raise SourceNotAllowed("The account that made the source is gone or locked; make the source again.")
    source = view.source
    asker = Asker(library=view.library, is_admin=view.is_admin)
    return permits.place(folder=source.folder, bucket=source.bucket, prefix=source.prefix, asker=asker)
