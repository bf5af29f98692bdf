"""The end of every upload, however its bytes came: a look at what they are, then item, run and job in one transaction.

Whatever goes wrong leaves nothing behind; what a crash leaves, bytes without a row, is swept.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.items.items import Item
from echoic.db.runs.item_state import WITHOUT_RUN
from echoic.db.runs.runs import DEFAULT_PRIORITY, PipelineRun
from echoic.engines.media.parent import SpareChild
from echoic.errors import DatabaseUnavailable, DatasetNotFound, DigestMismatch, DuplicateItem, StorageUnavailable
from echoic.intake.admission import Admission
from echoic.intake.fields import FileMetadata
from echoic.intake.file_names import split_extension
from echoic.intake.idempotency import HeldKey, content_of
from echoic.intake.probe import probe_blob
from echoic.intake.quota import reserve_minutes, seconds_to_reserve, take_room
from echoic.logs import get_logger
from echoic.notices import Notice
from echoic.pipeline.state_machine import RunStateMachine
from echoic.records import MediaInfo
from echoic.settings import Settings
from echoic.storage.blobs import Blobs, StoredBlob

QUEUED_MESSAGE = f"Audio file queued for transcription with priority {DEFAULT_PRIORITY}"
STORED_MESSAGE = "Audio file queued on hold: this dataset does not transcribe on arrival"

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """An upload that is safe: its bytes durable, its item and its first job committed."""

    item_id: int
    size_bytes: int
    message: str
    run_id: int | None = None
    """The run that was started; None: the dataset does not transcribe on arrival, or the answer is an earlier one."""
    notices: tuple[Notice, ...] = ()
    """What was passed over in the request."""
    is_repeated: bool = False
    """Whether this is the answer to an earlier request with the same idempotency key; then no byte was stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The wishes of an upload beside its file's metadata."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the run alone: another run of the item does not repeat them."""
    keep_seconds: float | None = None
    """Seconds for which the item stays after its work has ended; None: until somebody deletes it."""
    source_type: str = "upload"
    publish_date: datetime | None = None


USUAL = Wanted()

Committing: TypeAlias = Callable[[AsyncSession, Accepted], Awaitable[None]]
"""A write to commit together with a new item; when it raises, there is no item."""


class Acceptor:
    """Makes items of stored bytes."""

    def __init__(
        self, settings: Settings, *, database: Database, blobs: Blobs, runs: RunStateMachine, spare: SpareChild
    ) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._runs = runs
        self._spare = spare

    async def accept(
        self,
        admission: Admission,
        stored: StoredBlob,
        metadata: FileMetadata,
        message: str = QUEUED_MESSAGE,
        *,
        wanted: Wanted = USUAL,
        has_room: bool = False,
        committing: Committing | None = None,
    ) -> Accepted:
        """Make an item of these bytes, or delete them; the answer is kept with the idempotency key, where there is one.

        ``has_room`` says that the bytes count for the account already.

        Raises DigestMismatch, NotAudio, DecoderUnavailable, DatasetNotFound where the dataset was deleted meanwhile,
        DuplicateItem where one is to be rejected, QuotaExhausted where it takes more minutes than are left,
        IdempotencyKeyRunning where the key was lost, what ``committing`` raises, StorageExhausted where the account
        keeps as much as it may, StorageUnavailable, and DatabaseUnavailable; after that one the bytes may stay, for the
        commit may have happened: the sweep tells.
        """
        async with self._kept_only_if_accepted(stored):
            if metadata.sha256 not in (None, stored.sha256):
                raise DigestMismatch("The SHA-256 of the file is not the one that the upload gives.")
            _, extension = split_extension(metadata.file_name)
            info = await probe_blob(self._blobs, stored, self._settings, extension=extension, spare=self._spare)
            async with self._database.transaction() as session:
                if not await libraries.hold_dataset(session, admission.dataset_id):
                    raise DatasetNotFound
                if admission.reject_duplicate:
                    await _check_duplicate(session, admission, stored)
                item, run = await self._create_item(session, admission, stored, metadata, info, wanted=wanted)
                accepted = Accepted(
                    item_id=item.id,
                    size_bytes=stored.size_bytes,
                    message=message if admission.auto_transcribe else STORED_MESSAGE,
                    run_id=run.id if run is not None else None,
                    notices=metadata.notices,
                )
                await _keep_answer(session, admission, stored, metadata, accepted)
                if committing is not None:
                    await committing(session, accepted)
                if not has_room:
                    await take_room(session, admission.payer)
        logger.info("upload_accepted", item_id=item.id, dataset_id=admission.dataset_id, size_bytes=stored.size_bytes)
        return accepted

    async def _create_item(
        self,
        session: AsyncSession,
        admission: Admission,
        stored: StoredBlob,
        metadata: FileMetadata,
        info: MediaInfo,
        *,
        wanted: Wanted,
    ) -> tuple[Item, PipelineRun | None]:
        blob = await items.create_blob(
            session,
            key=stored.key,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            account_id=admission.payer.account_id,
        )
        item = await items.create_item(
            session,
            dataset_id=admission.dataset_id,
            title=metadata.title or metadata.default_title,
            description=metadata.description,
            original_filename=metadata.file_name,
            source_url=metadata.source_url,
            source_type=wanted.source_type,
            publish_date=wanted.publish_date,
            audio_blob_id=blob.id,
            # The file's own claim; decoding replaces it by what was really there.
            duration_seconds=info.duration_seconds,
            options=dict(metadata.options),
            keep_seconds=wanted.keep_seconds,
            status=WITHOUT_RUN.status,
        )
        run = None
        if admission.auto_transcribe:
            run = await self._runs.start(session, item, options=dict(wanted.options))
            seconds = seconds_to_reserve(
                duration_seconds=info.duration_seconds,
                size_bytes=stored.size_bytes,
                longest_seconds=self._settings.max_duration_seconds,
            )
            await reserve_minutes(session, admission.payer, run, seconds)
        return item, run

    @contextlib.asynccontextmanager
    async def _kept_only_if_accepted(self, stored: StoredBlob) -> AsyncIterator[None]:
        try:
            yield
        except DatabaseUnavailable:
            # The commit may have happened before the connection broke: an item must not lose its bytes. The sweep tells.
            logger.warning("commit_uncertain", blob_key=stored.key)
            raise
        except Exception:
            with contextlib.suppress(StorageUnavailable):  # what stays is swept
                await self._blobs.delete(stored.key)
            raise


async def _check_duplicate(session: AsyncSession, admission: Admission, stored: StoredBlob) -> None:
    found = await items.lock_content(session, dataset_id=admission.dataset_id, sha256=stored.sha256)
    if found is not None:
        raise DuplicateItem(found)


async def _keep_answer(
    session: AsyncSession, admission: Admission, stored: StoredBlob, metadata: FileMetadata, accepted: Accepted
) -> None:
    if not isinstance(admission.held_key, HeldKey):
        return
    # What a URL delivers is no part of the request, so that it is not fetched again to compare.
    sha256 = stored.sha256 if metadata.source_url is None else metadata.sha256
    content = content_of(metadata, sha256)
    await admission.held_key.answer(session, item_id=accepted.item_id, message=accepted.message, content=content)
