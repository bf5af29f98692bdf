"""Taking in the files of watched places, one after the other: read, accepted as an upload is, then moved or marked.

The item and what is known of the file are committed together, so that no file becomes an item twice. Moving and marking come
after the commit and can be done again: whoever is killed in between loses nothing and doubles nothing.
"""

import asyncio
import contextlib
import hashlib
import uuid
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.connect import Database
from echoic.db.sources import watched, watched_files
from echoic.db.sources.watched import SourceView
from echoic.db.sources.watched_files import WatchedFile
from echoic.errors import (
    AudioEmpty,
    BlobNotFound,
    DatabaseUnavailable,
    DatasetNotFound,
    DatasetRejectsUploads,
    DuplicateItem,
    EchoicError,
    Forbidden,
    PlanUnknown,
    QuotaExhausted,
    SourceNotAllowed,
    SourceNotWritable,
    SourceUnreachable,
    StorageExhausted,
    Unavailable,
    WatchedFileUnreadable,
)
from echoic.intake.accept import Accepted, Acceptor, Wanted
from echoic.intake.admission import Admission, Admissions, Head
from echoic.intake.body import Cap
from echoic.intake.fields import FileMetadata
from echoic.intake.file_names import fault_of_name
from echoic.intake.leases import renewed
from echoic.logs import get_logger
from echoic.sources.watched.looks import place_of
from echoic.sources.watched.names import ERROR, MARK, SIDECAR, beside
from echoic.sources.watched.permits import Permits
from echoic.sources.watched.place import FileChanged, FileGone, Place
from echoic.sources.watched.sidecar import MAX_SIDECAR_BYTES, error_text, mark_text, metadata_of
from echoic.storage.blobs import Blobs, StoredBlob

INTERVAL_SECONDS = 5.0
LEASE_SECONDS = 60.0
RENEW_SECONDS = 20.0
FILE_SECONDS = 3600.0
"""For one file."""
UNDER_WAY = 20
"""Recordings of one source that are queued or processed at a time; the next files wait where they are."""
LATER_SECONDS = 1800.0
"""Until minutes, room or rights may be there again."""
SOON_SECONDS = 120.0
"""Until a place, or a part of the server, that is away may be there again."""

_LATER = (
    *(QuotaExhausted, StorageExhausted, DatasetNotFound, DatasetRejectsUploads, Forbidden, PlanUnknown),
    SourceNotAllowed,
)
_SOON = (Unavailable, BlobNotFound)
MAX_ATTEMPTS_ALONE = 3
"""At a file at which alone the place fails, as on a bad sector of a disk."""

logger = get_logger(__name__)


class _LeaseLost(Exception):
    """Somebody else works on the file by now, or another file has its name."""


class _Known(Exception):
    """A source of the dataset took these bytes before; their item may be gone."""

    def __init__(self, item_id: int | None) -> None:
        super().__init__()
        self.item_id = item_id


@dataclass(frozen=True, kw_only=True, slots=True)
class FileHead(Head):
    """A file of a watched place that is about to be read."""

    size_bytes: int

    def check(self, cap: Cap) -> None:
        """Raise FileTooLarge and AudioEmpty."""
        cap.check(self.size_bytes)
        if not self.size_bytes:
            raise AudioEmpty

    def file_bytes(self) -> int:
        """Return the size of the file."""
        return self.size_bytes


@dataclass(kw_only=True, slots=True)
class _Taking:
    """One file as it is being taken in."""

    file: WatchedFile
    view: SourceView
    token: uuid.UUID
    sidecar: str | None = None
    stored: StoredBlob | None = None

    @property
    def name(self) -> str:
        return self.file.path.rpartition("/")[2]

    def be_taken(self, item_id: int | None, sha256: str) -> None:
        """Know what was written of the file: from here on it may fail to be moved, and nothing else."""
        file = self.file
        file.state, file.item_id, file.sha256, file.attempts = "taken", item_id, sha256, 0


class Takes:
    """Takes in files whose turn it is."""

    def __init__(
        self, database: Database, blobs: Blobs, *, admissions: Admissions, acceptor: Acceptor, permits: Permits
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._admissions = admissions
        self._acceptor = acceptor
        self._permits = permits

    async def take_next(self) -> bool:
        """Work on the file whose turn it is; returns whether there was one. Raises DatabaseUnavailable."""
        if not await watched_files.any_waiting(self._database):
            return False
        token = uuid.uuid4()
        async with self._database.transaction() as session:
            turn = await watched_files.take_turn(session, lease=token, seconds=LEASE_SECONDS, under_way=UNDER_WAY)
            view = None if turn is None else await watched.view_source(session, turn[1])
        if turn is None or view is None:
            return False
        taking = _Taking(file=turn[0], view=view, token=token)

        async def renew() -> bool:
            async with self._database.transaction() as session:
                return await watched_files.renew_lease(session, taking.file.id, lease=token, seconds=LEASE_SECONDS)

        try:
            async with renewed(renew, every_seconds=RENEW_SECONDS), asyncio.timeout(FILE_SECONDS):
                await self._work(taking)
        except _LeaseLost:
            logger.info("watched_file_lease_lost", file_id=taking.file.id)
        except TimeoutError:
            await self._hold_back(
                taking, SourceUnreachable(f"A file did not come in {FILE_SECONDS:g} seconds."), SOON_SECONDS
            )
        return True

    async def _work(self, taking: _Taking) -> None:
        """Bring a file as far as it goes; every refusal is written down where it belongs."""
        try:
            place = place_of(self._permits, taking.view)
            if taking.file.state != "taken":
                await self._take(taking, place)
            await self._finish(taking, place)
        except DatabaseUnavailable:
            raise
        except FileGone:
            async with self._database.transaction() as session:
                await watched_files.forget(session, taking.file.id, lease=taking.token)
        except FileChanged:
            async with self._database.transaction() as session:
                await watched_files.give_back(session, taking.file.id, lease=taking.token, is_settling=True)
        except _LATER as error:
            await self._hold_back(taking, error, LATER_SECONDS)
        except SourceUnreachable as error:
            await self._be_kept_up(taking, place, error)
        except _SOON as error:
            await self._hold_back(taking, error, SOON_SECONDS)
        except EchoicError as error:
            await self._fail(taking, place, error)

    async def _take(self, taking: _Taking, place: Place) -> None:
        view, file = taking.view, taking.file
        metadata = await self._metadata(taking, place)
        caller = Caller(account_id=view.account_id or 0, key_id=None, plan=view.plan, scopes=frozenset({"upload"}))
        head = FileHead(size_bytes=file.size_bytes, reject_duplicate=True)
        admission = await self._admissions.admit(caller, view.source.dataset_id, head)
        # What the metadata says of the bytes counts once they were read: a wrong digest must not pass for a known file.
        await self._admissions.check(admission, replace(metadata, sha256=None))
        try:
            taking.stored = stored = await self._read(taking, place, admission)
            await self._accept(taking, admission, stored, metadata)
        except DuplicateItem as error:
            await self._end_known(taking, error.item_id)
        except _Known as known:
            await self._end_known(taking, known.item_id)
        if view.source.held_code is not None:
            async with self._database.transaction() as session:
                await watched.free(session, view.source.id)

    async def _metadata(self, taking: _Taking, place: Place) -> FileMetadata:
        if (fault := fault_of_name(taking.file.path)) is not None:
            raise WatchedFileUnreadable(f"The file's name {fault}; give it another one.")
        given = f"{taking.file.path}{SIDECAR}"
        taking.sidecar = await place.fingerprint(given)
        content = None
        if taking.sidecar is not None:
            content = await place.read_small(given, max_bytes=MAX_SIDECAR_BYTES + 1)
        return metadata_of(taking.name, content)

    async def _read(self, taking: _Taking, place: Place, admission: Admission) -> StoredBlob:
        async with self._blobs.stage() as staged:
            async with contextlib.aclosing(place.read(taking.file.path, taking.file.fingerprint)) as chunks:
                async for chunk in chunks:
                    admission.cap.check(staged.size_bytes + len(chunk))
                    await staged.write(chunk)
            if staged.size_bytes != taking.file.size_bytes:
                raise FileChanged
            return await staged.finish()

    async def _accept(self, taking: _Taking, admission: Admission, stored: StoredBlob, metadata: FileMetadata) -> None:
        async def commit(session: AsyncSession, accepted: Accepted) -> None:
            # The lock on these bytes is held: of two files with the same, one waits for the other here.
            dataset_id = taking.view.source.dataset_id
            known = await watched_files.find_taken(session, dataset_id=dataset_id, sha256=stored.sha256)
            if known is not None:
                raise _Known(known[0])
            if not await watched_files.end_taken(
                session, taking.file.id, lease=taking.token, item_id=accepted.item_id, sha256=stored.sha256
            ):
                raise _LeaseLost
            taking.be_taken(accepted.item_id, stored.sha256)

        source_type = "folder" if taking.view.source.folder is not None else "bucket"
        await self._acceptor.accept(
            admission, stored, metadata, wanted=Wanted(source_type=source_type), committing=commit
        )

    async def _end_known(self, taking: _Taking, item_id: int | None) -> None:
        sha256 = "" if taking.stored is None else taking.stored.sha256
        async with self._database.transaction() as session:
            if not await watched_files.end_known(
                session,
                taking.file.id,
                lease=taking.token,
                item_id=item_id,
                sha256=sha256,
                reason=DuplicateItem.code,
            ):
                raise _LeaseLost
        taking.be_taken(item_id, sha256)

    async def _finish(self, taking: _Taking, place: Place) -> None:
        """Move or mark a file that was taken, as its source wants it. What cannot be done is noted, and the file stays."""
        file, source = taking.file, taking.view.source
        stays, reason = source.when_done == "leave", None
        try:
            if source.when_done == "move":
                if taking.stored is None and not await _is_the_one(file, place):
                    async with self._database.transaction() as session:
                        await watched_files.end_replaced(session, file.id, lease=taking.token)
                    return
                await place.move(file.path, file.fingerprint, file_id=file.id)
            elif source.when_done == "mark":
                mark = mark_text(item_id=file.item_id, dataset_id=source.dataset_id, sha256=file.sha256)
                await place.put(beside(file.path, MARK), mark)
            if source.error_files:
                await place.remove(beside(file.path, ERROR))
        except WatchedFileUnreadable as error:
            stays, reason = True, error.code
        except SourceNotWritable as error:
            stays, reason = True, None if source.when_done == "leave" else error.code
        except FileChanged:
            pass  # another file has its name by now, which the next look finds
        async with self._database.transaction() as session:
            await watched_files.end_done(session, file.id, lease=taking.token, stays=stays, reason=reason)

    async def _be_kept_up(self, taking: _Taking, place: Place, error: SourceUnreachable) -> None:
        """Wait for a place that is away; where it is there, and one file alone fails again and again, that file ends."""
        try:
            await place.require_readable()
        except SourceUnreachable as whole:
            await self._hold_back(taking, whole, SOON_SECONDS)
            return
        if taking.file.attempts < MAX_ATTEMPTS_ALONE:
            await self._hold_back(taking, error, SOON_SECONDS)
        elif taking.file.state == "taken":
            async with self._database.transaction() as session:
                await watched_files.end_done(
                    session, taking.file.id, lease=taking.token, stays=True, reason=SourceNotWritable.code
                )
        else:
            await self._fail(taking, place, WatchedFileUnreadable(error.message.replace("The folder", "The file")))

    async def _hold_back(self, taking: _Taking, error: EchoicError, seconds: float) -> None:
        source = taking.view.source
        async with self._database.transaction() as session:
            await watched_files.give_back(session, taking.file.id, lease=taking.token)
            await watched.hold_back(session, source.id, seconds=seconds, code=error.code, message=error.message)
        logger.info("watched_source_held", source_id=source.id, code=error.code, again_in_seconds=round(seconds))

    async def _fail(self, taking: _Taking, place: Place, error: EchoicError) -> None:
        view, file = taking.view, taking.file
        told_beside = False
        if view.source.error_files:
            formats, size = list(view.dataset.allowed_formats), view.dataset.max_file_size_mb
            content = error_text(taking.name, error, formats=formats, max_megabytes=size)
            # Where nothing can be written the list of the API tells.
            with contextlib.suppress(SourceNotWritable, SourceUnreachable):
                await place.put(beside(file.path, ERROR), content)
                told_beside = True
        async with self._database.transaction() as session:
            await watched_files.end_failed(
                session,
                file.id,
                lease=taking.token,
                reason=error.code,
                message=error.message,
                sidecar=taking.sidecar,
                told_beside=told_beside,
            )
        logger.info("watched_file_not_taken", file_id=file.id, source_id=view.source.id, code=error.code)


async def _is_the_one(file: WatchedFile, place: Place) -> bool:
    """Return whether a file that was taken before holds the same bytes still, or is gone.

    Another recording may have its name, size and time: one that comes where the first was moved away, or where a process was
    killed before it moved it. Raises FileChanged, SourceUnreachable and WatchedFileUnreadable.
    """
    digest = hashlib.sha256()
    try:
        async with contextlib.aclosing(place.read(file.path, file.fingerprint)) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(digest.update, chunk)
    except FileGone:
        return True
    return digest.hexdigest() == file.sha256
