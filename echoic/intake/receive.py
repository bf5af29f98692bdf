"""The upload: bytes into a staged blob, a look at what they are, then item, run and first job in one transaction.

Whatever goes wrong on the way leaves nothing behind; what a crash leaves, bytes without a row, is swept.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import items, libraries
from echoic.db.connect import Database
from echoic.db.items import Item
from echoic.db.runs import DEFAULT_PRIORITY
from echoic.errors import DatabaseUnavailable, DatasetNotFound, MetadataRequired, StorageUnavailable
from echoic.intake.body import Body, Sink
from echoic.intake.fetch import Egress, fetch
from echoic.intake.fields import clean_description, clean_title, parse_url_request
from echoic.intake.file_names import default_title, judge_extension
from echoic.intake.multipart import FilePart, read_form
from echoic.intake.probe import probe_blob
from echoic.intake.target import UploadTarget
from echoic.logs import get_logger
from echoic.pipeline.control import RunControl
from echoic.records import MediaInfo
from echoic.settings import Settings
from echoic.storage.blobs import Blobs, StoredBlob

logger = get_logger(__name__)

Committing: TypeAlias = Callable[[AsyncSession, Item], Awaitable[None]]
"""What else is to be committed together with a new item; when it raises, there is no item."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """An upload that is safe: its bytes durable, its item and its first job committed."""

    item_id: int
    size_bytes: int
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMetadata:
    """What is known of a file besides its bytes."""

    file_name: str
    title: str | None
    description: str | None
    source_url: str | None = None


class Receiver:
    """Takes uploads in."""

    def __init__(
        self, settings: Settings, *, database: Database, blobs: Blobs, runs: RunControl, egress: Egress
    ) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._runs = runs
        self._egress = egress

    async def receive_form(self, target: UploadTarget, body: Body, content_type: str) -> Accepted:
        """Take a multipart form in. Raises what ``read_form`` and the judges of its parts raise."""
        async with self._blobs.stage() as staged:

            async def open_sink(part: FilePart) -> Sink:
                judge_extension(part.file_name, target.allowed_formats)
                return staged

            form = await read_form(body, content_type, cap=target.cap, open_sink=open_sink)
            metadata = FileMetadata(
                file_name=form.file.file_name,
                title=clean_title(form.fields.get("title")),
                description=clean_description(form.fields.get("description")),
            )
            require_metadata(target, metadata)
            stored = await staged.finish()
        return await self.accept(
            target, stored, metadata, f"Audio file queued for transcription with priority {DEFAULT_PRIORITY}"
        )

    async def receive_url(self, target: UploadTarget, body: Body) -> Accepted:
        """Fetch the URL that a JSON body names. Raises what ``parse_url_request`` and ``fetch`` raise."""
        request = parse_url_request(await body.read())
        judge_extension(request.url.file_name, target.allowed_formats)
        metadata = FileMetadata(
            file_name=request.url.file_name,
            title=request.title,
            description=request.description,
            source_url=str(request.url),
        )
        require_metadata(target, metadata)
        async with self._blobs.stage() as staged:
            await fetch(
                request.url,
                staged,
                cap=target.cap,
                timeout_seconds=self._settings.fetch_timeout_seconds,
                egress=self._egress,
            )
            stored = await staged.finish()
        return await self.accept(target, stored, metadata, "Audio fetched from URL and queued for transcription")

    async def accept(
        self,
        target: UploadTarget,
        stored: StoredBlob,
        metadata: FileMetadata,
        message: str,
        *,
        committing: Committing | None = None,
    ) -> Accepted:
        """Make stored bytes an item with its run and first job, or remove them and raise why they were refused.

        Raises NotAudio, DatasetNotFound, StorageUnavailable, and DatabaseUnavailable, after which the bytes stay: the
        commit may have happened.
        """
        async with self._kept_only_if_accepted(stored):
            info = await probe_blob(self._blobs, stored, self._settings)
            async with self._database.transaction() as session:
                item = await self._create_item(session, target, stored, metadata, info)
                if committing is not None:
                    await committing(session, item)
        if not target.auto_transcribe:
            message = "Audio stored; this dataset does not transcribe on arrival"
        logger.info("upload_accepted", item_id=item.id, dataset_id=target.dataset_id, size_bytes=stored.size_bytes)
        return Accepted(item_id=item.id, size_bytes=stored.size_bytes, message=message)

    async def _create_item(
        self, session: AsyncSession, target: UploadTarget, stored: StoredBlob, metadata: FileMetadata, info: MediaInfo
    ) -> Item:
        if not await libraries.hold_dataset(session, target.dataset_id):
            raise DatasetNotFound  # deleted while the file came in
        blob = await items.create_blob(session, key=stored.key, size_bytes=stored.size_bytes, sha256=stored.sha256)
        item = await items.create_item(
            session,
            dataset_id=target.dataset_id,
            title=metadata.title or default_title(metadata.file_name),
            description=metadata.description,
            original_filename=metadata.file_name,
            source_url=metadata.source_url,
            audio_blob_id=blob.id,
            # The file's own claim; decoding replaces it by what was really there.
            duration_seconds=info.duration_seconds,
            status="stored",
        )
        if target.auto_transcribe:
            await self._runs.start(session, item)
        return item

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


def require_metadata(target: UploadTarget, metadata: FileMetadata) -> None:
    """Raise MetadataRequired where the dataset wants a title and a description and one is missing."""
    if target.require_metadata and not (metadata.title and metadata.description):
        raise MetadataRequired
