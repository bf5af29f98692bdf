"""Links for one upload each: made for who may upload, and used by whoever is handed them, within the hour.

The upload under a link is checked as any other. A link takes one recording: it is the idempotency key of its upload, so
that a connection that broke can be made good, and the same file sent again gets the first answer.
"""

from dataclasses import dataclass
from datetime import datetime

from echoic.access import Caller
from echoic.db.connect import Database
from echoic.db.uploads import upload_links
from echoic.errors import IdempotencyKeyReused, UploadLinkNotFound, UploadLinkUsed
from echoic.intake.accept import Accepted
from echoic.intake.admission import Admissions, Head
from echoic.intake.body import Receive
from echoic.intake.fields import FileMetadata
from echoic.intake.receive import Receiver, RequestHead

PATH = "/api/upload-links"
REQUEST = f"POST {PATH}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeLink:
    """A link and its terms."""

    token: str
    expires_at: datetime
    max_bytes: int
    allowed_formats: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenLink:
    """A link that works: where it leads, for whom."""

    caller: Caller
    """May upload, and nothing else."""
    dataset_id: int
    key: str
    """The idempotency key of its upload."""


async def make_link(
    database: Database,
    admissions: Admissions,
    caller: Caller,
    dataset_id: int,
    *,
    metadata: FileMetadata | None = None,
) -> MadeLink:
    """Make a link to a dataset. Raises what ``admit`` raises.

    ``metadata`` are the fields that are to come with the upload, where they are known; what would be refused then raises now
    what ``check_fields`` raises.
    """
    admission = await admissions.admit(caller, dataset_id, Head())
    if metadata is not None:
        admissions.check_fields(admission, metadata)
    async with database.transaction() as session:
        token, expires_at = await upload_links.create(
            session,
            account_id=caller.account_id,
            dataset_id=dataset_id,
            key_id=caller.key_id,
            grant_id=caller.grant_id,
        )
    return MadeLink(
        token=token,
        expires_at=expires_at,
        max_bytes=admission.cap.max_bytes,
        allowed_formats=admission.allowed_formats,
    )


async def open_link(database: Database, token: str) -> OpenLink:
    """Return where a link leads. Raises UploadLinkNotFound."""
    async with database.transaction() as session:
        found = await upload_links.find(session, token)
    if found is None:
        raise UploadLinkNotFound
    caller = Caller(account_id=found.account_id, key_id=None, plan=found.plan, scopes=frozenset({"upload"}))
    return OpenLink(caller=caller, dataset_id=found.dataset_id, key=f"upload link {found.id}")


async def receive_by_link(receiver: Receiver, link: OpenLink, head: RequestHead, receive: Receive) -> Accepted:
    """Take a recording in. Raises what ``receive`` raises, and UploadLinkUsed for another recording under the same link."""
    try:
        return await receiver.receive(link.caller, link.dataset_id, head, receive)
    except IdempotencyKeyReused as error:
        raise UploadLinkUsed from error
