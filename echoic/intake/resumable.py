"""Resumable uploads: bytes come in over several requests, each leaving durable parts; the last makes them an item.

The protocols are tus 1.0.0 (https://tus.io/protocols/resumable-upload), whose headers are read in ``upload_headers``, and
that of the IETF (https://datatracker.ietf.org/doc/draft-ietf-httpbis-resumable-upload/), whose headers are read in ``ietf_headers``.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.accounts import accounts
from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.uploads import uploads
from echoic.db.uploads.uploads import Upload
from echoic.errors import (
    AudioEmpty,
    BodyTimedOut,
    ClientDisconnected,
    DatasetNotFound,
    EchoicError,
    FieldInvalid,
    StorageExhausted,
    Unavailable,
    UploadCompleted,
    UploadLengthExceeded,
    UploadLengthInconsistent,
    UploadLimitReached,
    UploadLocked,
    UploadNotFound,
    UploadOffsetMismatch,
    UploadPartsTooMany,
    UploadStalled,
)
from echoic.intake.accept import Accepted, Acceptor
from echoic.intake.admission import Admission, Admissions, Head
from echoic.intake.body import Body, Cap, Receive, file_cap
from echoic.intake.leases import Interruptible, UploadLease, leased
from echoic.intake.quota import Payer, take_room
from echoic.intake.sweep import discard
from echoic.intake.upload_headers import describe, keeps_abandoned
from echoic.intake.upload_heads import CreationHead, PieceDigest, UploadPiece
from echoic.logs import get_logger
from echoic.plans import Plans
from echoic.settings import Settings
from echoic.storage.blobs import Blobs, StagedBlob
from echoic.storage.join import join

PART_BYTES = 64 * 1024 * 1024
PART_SECONDS = 30.0
"""A part is made durable when it has that size or age: more than one is never lost."""
MAX_PARTS = 10_000
"""Of one upload; with its 64 MiB each that is 640 GB."""
SECONDS_PER_HOUR = 3600
ABANDONED_AT_ONCE = 20
"""Uploads that one round makes items of; each round takes those that wait longest."""

logger = get_logger(__name__)

Ended = Callable[[str, int], None]
"""Told of each upload's end: ``accepted`` or the code of an error, and the bytes kept."""


class ResumableUploads:
    """Begins resumable uploads, appends the bytes of each request, and makes items of complete ones."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        blobs: Blobs,
        admissions: Admissions,
        acceptor: Acceptor,
        plans: Plans,
    ) -> None:
        self._idle_timeout_seconds = settings.upload_idle_timeout_seconds
        self._max_unfinished = settings.upload_max_unfinished
        self._keep_seconds = settings.upload_expires_hours * SECONDS_PER_HOUR
        self._database = database
        self._blobs = blobs
        self._admissions = admissions
        self._acceptor = acceptor
        self._plans = plans

    async def max_bytes(self, caller: Caller, dataset_id: int) -> int:
        """Return the cap on the caller's files in this dataset; raises what ``admit`` raises."""
        return (await self._admissions.admit(caller, dataset_id, Head())).cap.max_bytes

    async def create(self, caller: Caller, dataset_id: int, head: CreationHead) -> Upload:
        """Begin an upload (section Creation); the room for its length is reserved.

        Raises what ``admit``, ``describe`` and ``check`` raise, UploadLimitReached, and StorageExhausted.
        """
        admission = await self._admissions.admit(caller, dataset_id, head)
        await self._admissions.check(admission, describe(head.given_metadata))
        keeps = keeps_abandoned(head.given_metadata, is_deferred=head.size_bytes is None)
        async with self._database.transaction() as session:
            if not await libraries.hold_dataset(session, dataset_id):
                raise DatasetNotFound
            if await uploads.lock_unfinished(session, caller.account_id) >= self._max_unfinished:
                raise UploadLimitReached(_limit_message(self._max_unfinished))
            upload = await uploads.create_upload(
                session,
                dataset_id=dataset_id,
                account_id=caller.account_id,
                size_bytes=head.size_bytes,
                max_bytes=admission.cap.max_bytes,
                given_metadata=head.given_metadata,
                reject_duplicate=head.reject_duplicate,
                keeps_abandoned=keeps,
                keep_seconds=self._keep_seconds,
            )
            await take_room(session, admission.payer)
            return upload

    async def look(
        self, caller: Caller, dataset_id: int, upload_id: str, *, supersedes: bool = False, ended: Ended
    ) -> Upload:
        """Return the upload as it stands; ``supersedes`` ends a request at work on it first, so that it stands still.

        Where all bytes are there but it could not be made an item, because a part of the server was away or a process
        was killed, that is made good first: a client that sees the full offset takes the upload for done.
        Raises UploadNotFound, UploadLocked, and what ``accept`` raises.
        """
        upload = await self._find(caller, dataset_id, upload_id)
        if upload.item_id is not None or not (upload.is_whole or supersedes):
            return upload
        async with leased(self._database, upload_id, when_wanted=_go_on, waits=supersedes) as lease:
            if not lease.upload.is_whole:
                return lease.upload
            return await self._finish(lease.upload, lease, await self._readmit(caller, upload), ended)

    async def append(
        self, caller: Caller, dataset_id: int, upload_id: str, piece: UploadPiece, receive: Receive, *, ended: Ended
    ) -> Upload:
        """Add the bytes of a body (section Core, PATCH), and finish the upload where they are the last.

        What a broken connection leaves is kept, unless the piece has a checksum. A refusal at the end removes the upload.

        Raises:
            UploadNotFound, UploadLocked, UploadOffsetMismatch, UploadPartsTooMany: nothing was read.
            FileTooLarge, UploadLengthExceeded, FieldInvalid: the body, or the upload's length, does not fit.
            UploadLengthInconsistent, UploadCompleted: the same, by the IETF's protocol.
            ChecksumMismatch, DigestMismatch: the bytes are not those that were sent.
            StorageExhausted: the account has no room for the length, or for bytes of an upload without one.
            ClientDisconnected, UploadStalled: the body did not come to its end.
        """
        found = await self._find(caller, dataset_id, upload_id)
        admission = await self._readmit(caller, found) if found.item_id is None else None
        payer = Payer.of(caller, self._plans)
        source = Interruptible(receive, gives_way_at_once=piece.supersedes)
        async with leased(self._database, upload_id, when_wanted=source.give_way, waits=piece.supersedes) as lease:
            upload = lease.upload
            if upload.offset_bytes != piece.offset_bytes:
                raise UploadOffsetMismatch(upload.offset_bytes, piece.offset_bytes)
            if piece.is_last is not None and upload.item_id is not None and piece.declared_bytes != 0:
                raise UploadCompleted
            upload = await self._set_size(upload, lease, piece, payer)
            cap = _cap(upload)
            cap.check(piece.declared_bytes)
            if not upload.is_whole:
                body = Body(source, cap=cap, idle_timeout_seconds=self._idle_timeout_seconds)
                upload = await self._take(upload, lease, body, piece.checksum, payer)
            if piece.is_last:
                said = dataclasses.replace(piece, upload_bytes=upload.offset_bytes)
                upload = await self._set_size(upload, lease, said, payer)
            if upload.is_whole and admission is not None:
                upload = await self._finish(upload, lease, admission, ended)
        return upload

    async def finish_abandoned(self, *, ended: Ended) -> int:
        """Make items of what arrived of uploads that ask for it and were never taken up again; returns how many.

        Each counts for the account that began it. It is refused for the reasons that any upload is refused for at its
        end, and is then gone; what a part of the server is away for waits. Several servers may do so at once.
        """
        async with self._database.transaction() as session:
            abandoned = await uploads.list_abandoned(session, limit=ABANDONED_AT_ONCE)
            plan_of = {one.account_id: (await accounts.get_account(session, one.account_id)).plan for one in abandoned}
        finished = 0
        for upload in abandoned:
            caller = Caller(
                account_id=upload.account_id, key_id=None, plan=plan_of[upload.account_id], scopes=frozenset()
            )
            try:
                await self._finish_abandoned(caller, upload, ended)
                finished += 1
            except EchoicError as error:
                logger.warning("abandoned_upload_not_finished", upload_id=upload.id, code=error.code)
                if not (error.retryable or isinstance(error, Unavailable)):
                    await self.give_up(upload.id)
        return finished

    async def _finish_abandoned(self, caller: Caller, found: Upload, ended: Ended) -> None:
        admission = await self._readmit(caller, found)
        async with leased(self._database, found.id, when_wanted=_go_on) as lease:
            said = UploadPiece(offset_bytes=lease.upload.offset_bytes, upload_bytes=lease.upload.offset_bytes)
            upload = await self._set_size(lease.upload, lease, said, admission.payer)
            await self._finish(upload, lease, admission, ended, is_abandoned=True)

    async def remove(self, caller: Caller, dataset_id: int, upload_id: str) -> None:
        """Give an upload up with its bytes (section Termination); an item it has become stays. Raises UploadNotFound."""
        await self._find(caller, dataset_id, upload_id)
        await self.give_up(upload_id)

    async def give_up(self, upload_id: str) -> None:
        """Give an upload up without asking whose it is; one that is gone already is fine."""
        async with self._database.transaction() as session:
            keys = await uploads.delete_uploads(session, [upload_id])
        await discard(self._blobs, keys)

    async def _readmit(self, caller: Caller, upload: Upload) -> Admission:
        """Return the terms for an upload under way, which may have changed since its creation."""
        head = Head(reject_duplicate=upload.reject_duplicate)
        return await self._admissions.admit(caller, upload.dataset_id, head)

    async def _find(self, caller: Caller, dataset_id: int, upload_id: str) -> Upload:
        if not uploads.is_upload_id(upload_id):
            raise UploadNotFound
        async with self._database.transaction() as session:
            found = await uploads.find_upload(
                session, upload_id=upload_id, dataset_id=dataset_id, account_id=caller.account_id
            )
        if found is None:
            raise UploadNotFound
        return found

    async def _set_size(self, upload: Upload, lease: UploadLease, piece: UploadPiece, payer: Payer) -> Upload:
        """By the section Creation: a length that was to follow is said once, and never changes."""
        size_bytes = piece.upload_bytes
        if size_bytes is None or size_bytes == upload.size_bytes:
            return upload
        if upload.size_bytes is not None or size_bytes < upload.offset_bytes:
            if piece.is_last is not None:
                raise UploadLengthInconsistent
            raise FieldInvalid("The header Upload-Length contradicts what is known of the upload.")
        file_cap(upload.max_bytes).check(size_bytes)
        async with self._database.transaction() as session:
            changed = await uploads.set_size(session, upload.id, lease=lease.token, size_bytes=size_bytes)
            await take_room(session, payer)
        if changed is None:
            raise UploadLocked
        return changed

    async def _take(
        self, upload: Upload, lease: UploadLease, body: Body, checksum: PieceDigest | None, payer: Payer
    ) -> Upload:
        async with self._database.transaction() as session:
            if await uploads.count_parts(session, upload.id) >= MAX_PARTS:
                raise UploadPartsTooMany
        async with aclosing(aiter(body)) as chunks:
            is_all = False
            while not is_all:
                interruption: EchoicError | None = None
                async with self._blobs.stage() as staged:
                    try:
                        is_all = await _fill(staged, chunks, checksum)
                    except (ClientDisconnected, BodyTimedOut) as error:
                        interruption = error
                    if checksum is not None and interruption is None:
                        checksum.check()
                    if staged.size_bytes and (checksum is None or interruption is None):
                        upload = await self._keep(upload, lease, staged, payer)
                if isinstance(interruption, BodyTimedOut):
                    raise UploadStalled from interruption
                if interruption is not None:
                    raise interruption
        return upload

    async def _keep(self, upload: Upload, lease: UploadLease, staged: StagedBlob, payer: Payer) -> Upload:
        """Make a part durable and the upload's own; what a crash leaves between the two is swept."""
        stored = await staged.finish()
        try:
            async with self._database.transaction() as session:
                longer = await uploads.add_part(
                    session,
                    upload.id,
                    lease=lease.token,
                    key=stored.key,
                    size_bytes=stored.size_bytes,
                    keep_seconds=self._keep_seconds,
                )
                if upload.size_bytes is None:  # a length that was said has its room since then
                    await take_room(session, payer)
        except StorageExhausted:
            await discard(self._blobs, [stored.key])
            raise
        if longer is None:
            await discard(self._blobs, [stored.key])
            raise UploadLocked
        return longer

    async def _finish(
        self, upload: Upload, lease: UploadLease, admission: Admission, ended: Ended, *, is_abandoned: bool = False
    ) -> Upload:
        """Make the upload an item, once; where it is refused for good, nothing of it stays.

        A fault of the server's is no refusal: the bytes stay, and any later request on the upload tries again.
        """
        if upload.item_id is not None:
            return upload
        try:
            accepted, finished = await self._accept(upload, lease, admission, is_abandoned=is_abandoned)
        except EchoicError as error:
            if not (error.retryable or isinstance(error, Unavailable)):
                await self.give_up(upload.id)
                ended(error.code, 0)
            raise
        ended("accepted", accepted.size_bytes)
        return finished

    async def _accept(
        self, upload: Upload, lease: UploadLease, admission: Admission, *, is_abandoned: bool
    ) -> tuple[Accepted, Upload]:
        if upload.offset_bytes == 0:  # a length that followed and was none
            raise AudioEmpty
        metadata = describe(upload.given_metadata)
        async with self._database.transaction() as session:
            parts = await uploads.list_parts(session, upload.id)
        stored = await join(self._blobs, [part.key for part in parts], size_bytes=upload.offset_bytes)

        finished = upload

        async def forget_parts(session: AsyncSession, accepted: Accepted) -> None:
            nonlocal finished
            row = await uploads.finish_upload(
                session, upload.id, lease=lease.token, item_id=accepted.item_id, keep_seconds=self._keep_seconds
            )
            if row is None:
                raise UploadLocked
            finished = row
            if is_abandoned:
                await items.set_upload_abandoned(session, accepted.item_id)

        accepted = await self._acceptor.accept(admission, stored, metadata, has_room=True, committing=forget_parts)
        await discard(self._blobs, [part.key for part in parts])
        return accepted, finished


async def _fill(staged: StagedBlob, chunks: AsyncIterator[bytes], checksum: PieceDigest | None) -> bool:
    """Fill a part; tells whether that was all. Bytes with a checksum are one part: they count together or not at all."""
    loop = asyncio.get_running_loop()
    full_at = loop.time() + PART_SECONDS
    async for chunk in chunks:
        await staged.write(chunk)
        if checksum is not None:
            checksum.update(chunk)
        elif staged.size_bytes >= PART_BYTES or loop.time() > full_at:
            return False
    return True


def _cap(upload: Upload) -> Cap:
    """On the bytes that may still come."""
    if upload.size_bytes is not None:
        return Cap(upload.size_bytes - upload.offset_bytes, UploadLengthExceeded())
    whole = file_cap(upload.max_bytes)
    return Cap(upload.max_bytes - upload.offset_bytes, whole.error)


def _limit_message(most: int) -> str:
    return (
        f"The account has as many unfinished uploads as it may, {most:,}; finish one, give one up with DELETE, "
        "or wait until one expires."
    )


def _go_on() -> None:
    """Make others who want the lease of an upload wait while it is being finished."""
