"""Where an upload wants to go, judged before the first byte of its body is read."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.access import Caller
from echoic.db.catalog import libraries
from echoic.errors import DatasetNotFound, DatasetRejectsUploads, MetadataRequired
from echoic.intake.body import Cap, file_cap
from echoic.intake.fields import FileMetadata
from echoic.intake.quota import Payer, judge_minutes
from echoic.plans import Plans


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadTarget:
    """A dataset that will take this caller's upload, and on which terms."""

    dataset_id: int
    payer: Payer
    cap: Cap
    allowed_formats: tuple[str, ...]
    require_metadata: bool
    auto_transcribe: bool


async def judge_target(session: AsyncSession, *, caller: Caller, dataset_id: int, plans: Plans) -> UploadTarget:
    """The dataset's terms for this caller.

    Raises:
        DatasetNotFound: there is no such dataset, or the caller may not see it.
        Forbidden: the caller may see it but not upload to it.
        DatasetRejectsUploads: it is no dataset for uploads.
        PlanUnknown: nobody knows the caller's plan.
    """
    view = await libraries.view_dataset(session, dataset_id=dataset_id, account_id=caller.account_id)
    if view is None:
        raise DatasetNotFound
    access.require_dataset_upload(visibility=view.library.visibility, role=view.role)
    dataset = view.dataset
    if dataset.content_type != "uploads":
        raise DatasetRejectsUploads
    payer = Payer.of(caller, plans)
    return UploadTarget(
        dataset_id=dataset.id,
        payer=payer,
        cap=file_cap(payer.plan.max_upload_bytes(dataset_max_mb=dataset.max_file_size_mb)),
        allowed_formats=tuple(dataset.allowed_formats),
        require_metadata=dataset.require_metadata,
        auto_transcribe=dataset.auto_transcribe,
    )


async def judge_quota(session: AsyncSession, target: UploadTarget) -> None:
    """Raise QuotaExhausted where what is uploaded would be transcribed and no minutes are left for it."""
    if target.auto_transcribe:
        await judge_minutes(session, target.payer)


def require_metadata(target: UploadTarget, metadata: FileMetadata) -> None:
    """Raise MetadataRequired where the dataset wants a title and a description and one is missing."""
    if target.require_metadata and not (metadata.title and metadata.description):
        raise MetadataRequired
