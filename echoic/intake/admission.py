"""Admission: every check on an upload before its bytes are taken, in one order, whichever way the upload comes.

A form, a URL in place of a file and a resumable upload are checked alike. The first failed check is the answer:

1. The dataset is there, the caller may see it and upload to it, and it takes uploads.
2. The caller's plan is known.
3. The body is of a kind that is taken, and the declared length is within the cap of dataset and plan.
4. The header Content-Digest can be read.
5. The idempotency key is free. An upload that was answered before passes 6 and 7: it needs neither minutes nor room.
6. Minutes are left in the month, where the dataset transcribes on arrival.
7. The account has room for one more recording.

Up to here nothing but the request's head is read. The rest needs the file's name and fields, which a resumable upload
gives in its head, too, a URL in its body of JSON, and a form before and after the file. What cannot be read is refused
where it is read, by ``fields`` and ``file_names``; then:

8. The extension of the file's name is one of the dataset's.
9. Title and description are given, where the dataset requires them.
10. The transcriber asked for is offered.
11. The dataset lacks the bytes, where a duplicate is to be rejected and the upload says their SHA-256.

Checks 6, 7 and 11 are early answers without a promise: the transaction that makes the item repeats them under locks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.access import Caller
from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.uploads import idempotency
from echoic.engines.choice import choose, require_translation
from echoic.errors import DatasetNotFound, DatasetRejectsUploads, DuplicateItem, MetadataRequired
from echoic.intake.body import Cap, file_cap
from echoic.intake.fields import FileMetadata, parse_sha256
from echoic.intake.file_names import check_extension
from echoic.intake.idempotency import FirstAnswer, HeldKey, hold_key
from echoic.intake.multipart import FilePart
from echoic.intake.quota import Payer, check_minutes, check_room
from echoic.intake.run_options import check_transcriber
from echoic.plans import Plans
from echoic.redaction.policy import roles_of
from echoic.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The part of a request before its body.

    This one brings no new file: it asks for the terms, or adds to an upload that was admitted at its creation. A way of
    upload has its own subclass.
    """

    reject_duplicate: bool = False
    """Whether the upload is to be refused where the dataset holds its bytes."""
    key: str | None = None
    """The idempotency key."""
    transcribes: bool = False
    """Whether the upload is transcribed on arrival whatever its dataset says."""
    reads: bool = False
    """Whether the answer says what is heard."""
    is_named_by_content: bool = False
    """Whether a repeated request is known by its bytes alone, so that it may be one where requests of the kind were answered."""
    fills: str = "uploads"
    """The kind of dataset that it may go to."""
    request: str = ""
    """What has to be the same in every request with the key: the call, its options, the kind of body."""

    def check(self, cap: Cap) -> None:
        """Check kind, declared length and digest of what is to come; ``cap`` holds for the file."""

    def file_bytes(self) -> int | None:
        """Return the least size of the file by what is declared; None where no new file comes."""
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """An upload that may come, with the terms of its dataset for this caller."""

    dataset_id: int
    payer: Payer
    cap: Cap
    """On the file."""
    allowed_formats: tuple[str, ...]
    require_metadata: bool
    auto_transcribe: bool
    engine: str | None = None
    """Of the transcriber that the dataset names; None for the server's own. The same with ``model``."""
    model: str | None = None
    reject_duplicate: bool = False
    held_key: HeldKey | FirstAnswer | None = None
    """The idempotency key, or the answer to the first request with it."""


class Admissions:
    """Admits uploads."""

    def __init__(self, settings: Settings, *, database: Database, plans: Plans) -> None:
        self._settings = settings
        self._database = database
        self._plans = plans

    async def admit(self, caller: Caller, dataset_id: int, head: Head) -> Admission:
        """Check an upload by its head: 1 to 7 of the order above.

        Raises:
            DatasetNotFound: there is no such dataset, or the caller may not see it.
            Forbidden: the caller may see the dataset but not upload to it.
            DatasetRejectsUploads: it is no dataset for uploads.
            PlanUnknown: no plan has the name of the caller's.
            UnsupportedRequestType, FieldInvalid, FileTooLarge, RequestTooLarge, AudioEmpty: by ``head.check``.
            IdempotencyKeyReused, IdempotencyKeyRunning: the key belongs to another request.
            QuotaExhausted: no minutes are left.
            StorageExhausted: the account has no room.
            OriginalWithheld: the answer would say what the dataset hides from the caller.
        """
        async with self._database.transaction() as session:
            dataset = await _uploadable_dataset(session, caller, dataset_id, head)
            payer = Payer.of(caller, self._plans)
            cap = file_cap(payer.plan.max_upload_bytes(dataset_max_mb=dataset.max_file_size_mb))
            head.check(cap)
            auto_transcribe = dataset.auto_transcribe or head.transcribes
            held_key = None
            if head.key is not None:
                held_key = await hold_key(
                    session, self._database, account_id=caller.account_id, key=head.key, request=head.request
                )
            if not (isinstance(held_key, FirstAnswer) or await _may_be_repeated(session, caller, head)):
                if auto_transcribe:
                    await check_minutes(session, payer)
                if (file_bytes := head.file_bytes()) is not None:
                    await check_room(session, payer, at_least_bytes=file_bytes)
        return Admission(
            dataset_id=dataset.id,
            payer=payer,
            cap=cap,
            allowed_formats=tuple(dataset.allowed_formats),
            require_metadata=dataset.require_metadata,
            auto_transcribe=auto_transcribe,
            engine=dataset.engine,
            model=dataset.model,
            reject_duplicate=head.reject_duplicate,
            held_key=held_key,
        )

    def check_translation(self, admission: Admission, options: Mapping[str, Any]) -> None:
        """Raise TranslationNotOffered where the transcriber of an upload cannot translate."""
        engine, model = options.get("engine"), options.get("model")
        if engine is None and model is None:
            engine, model = admission.engine, admission.model
        require_translation(choose(self._settings, engine=engine, model=model))

    async def check(self, admission: Admission, metadata: FileMetadata) -> None:
        """Check the name and the fields of a file whose bytes are still to come: 8 to 11.

        Raises FormatNotAllowed, MetadataRequired, TranscriberNotOffered and DuplicateItem.
        """
        check_extension(metadata.file_name, admission.allowed_formats)
        self.check_fields(admission, metadata)
        await self._check_bytes(admission, metadata.sha256)

    async def check_file(self, admission: Admission, file: FilePart) -> None:
        """Check what a form says before its file: 8 and 11. Raises FormatNotAllowed, FieldInvalid and DuplicateItem."""
        check_extension(file.file_name, admission.allowed_formats)
        await self._check_bytes(admission, parse_sha256(file.fields_before.get("sha256")))

    def check_fields(self, admission: Admission, metadata: FileMetadata) -> None:
        """Check the fields of a form: 9 and 10. Raises MetadataRequired and TranscriberNotOffered."""
        if admission.require_metadata and not (metadata.title and metadata.description):
            raise MetadataRequired
        check_transcriber(self._settings, metadata.options)

    async def _check_bytes(self, admission: Admission, sha256: str | None) -> None:
        if sha256 is None or not admission.reject_duplicate:
            return
        async with self._database.transaction() as session:
            found = await items.find_content(session, dataset_id=admission.dataset_id, sha256=sha256)
        if found is not None:
            raise DuplicateItem(found)


async def _may_be_repeated(session: AsyncSession, caller: Caller, head: Head) -> bool:
    return head.is_named_by_content and await idempotency.has_answered(
        session, account_id=caller.account_id, request=head.request
    )


async def _uploadable_dataset(session: AsyncSession, caller: Caller, dataset_id: int, head: Head) -> libraries.Dataset:
    view = await libraries.view_dataset(session, dataset_id=dataset_id, account_id=caller.account_id)
    if view is None:
        raise DatasetNotFound
    access.require_dataset_upload(visibility=view.library.visibility, role=view.role)
    if view.dataset.content_type != head.fills:
        raise DatasetRejectsUploads
    if head.reads:
        access.require_original(
            role=view.role,
            original_roles=roles_of(view.redaction),
            message="The dataset hides something of what is said from your role, and this request is answered with all of it.",
        )
    return view.dataset
