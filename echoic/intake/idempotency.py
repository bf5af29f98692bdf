"""Idempotency keys: an upload that is sent again with the same key is answered as the first time, and not taken twice.

Only successes are kept, in the transaction that makes the item; a refused or broken upload gives its key back. The body
of one that comes again is read and compared with the first, and nothing is stored or fetched.
"""

import hashlib
import json
import re
import uuid
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.uploads import idempotency
from echoic.errors import DatabaseUnavailable, DigestMismatch, FieldInvalid, IdempotencyKeyReused, IdempotencyKeyRunning
from echoic.intake.body import Body, Cap
from echoic.intake.fields import FileMetadata, form_metadata, parse_url_request
from echoic.intake.leases import renewed
from echoic.intake.multipart import FilePart, read_form
from echoic.logs import get_logger

KEEP_SECONDS = 24 * 3_600.0
LEASE_SECONDS = 60.0
"""Seconds that a key stays taken after the process of its upload was killed."""
RENEWALS_A_LEASE = 3
MAX_KEY_CHARACTERS = 255

_KEY = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY_CHARACTERS}}}")

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstAnswer:
    """The first request with a key, and its answer."""

    content: str
    item_id: int
    message: str

    def require_same(self, metadata: FileMetadata, sha256: str | None) -> None:
        """Raise IdempotencyKeyReused where another thing is asked now."""
        if content_of(metadata, sha256) != self.content:
            raise IdempotencyKeyReused


class HeldKey:
    """A key that belongs to the upload under way within this context: ``async with held``."""

    def __init__(self, database: Database, *, account_id: int, key: str, lease_seconds: float) -> None:
        self.token = uuid.uuid4()
        self._database = database
        self._account_id = account_id
        self._key = key
        self._lease_seconds = lease_seconds
        self._renewing = renewed(self._renew, every_seconds=lease_seconds / RENEWALS_A_LEASE)

    async def __aenter__(self) -> Self:
        await self._renewing.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._renewing.__aexit__(None, None, None)
        if kind is None:
            return
        try:
            async with self._database.transaction() as session:
                # Nothing happens where the answer was committed after all.
                await idempotency.release_key(session, self.token, account_id=self._account_id, key=self._key)
        except DatabaseUnavailable:
            logger.warning("idempotency_key_left_to_end_by_itself", seconds=self._lease_seconds)

    async def answer(self, session: AsyncSession, *, item_id: int, message: str, content: str) -> None:
        """Store the answer to this upload under its key, in the transaction that stores the item.

        Raises IdempotencyKeyRunning if another request took the key over because this request seemed dead.
        """
        kept = await idempotency.answer_key(
            session,
            self.token,
            account_id=self._account_id,
            key=self._key,
            content=content,
            item_id=item_id,
            message=message,
            keep_seconds=KEEP_SECONDS,
        )
        if not kept:
            raise IdempotencyKeyRunning

    async def _renew(self) -> bool:
        # Where it is lost, the answer cannot be kept, and with it the upload.
        async with self._database.transaction() as session:
            return await idempotency.renew_key(
                session, self.token, account_id=self._account_id, key=self._key, seconds=self._lease_seconds
            )


def parse_key(headers: list[str]) -> str | None:
    """Return the key that a request gives, if any. Raises FieldInvalid."""
    if not headers:
        return None
    if len(headers) > 1 or not _KEY.fullmatch(headers[0]):
        raise FieldInvalid(
            f"The Idempotency-Key header must be given once, with 1 to {MAX_KEY_CHARACTERS} printable ASCII characters."
        )
    return headers[0]


async def hold_key(
    session: AsyncSession,
    database: Database,
    *,
    account_id: int,
    key: str,
    request: str,
    lease_seconds: float = LEASE_SECONDS,
) -> HeldKey | FirstAnswer:
    """Take the key for a request, of which everything is said that is known before its body; or what was answered.

    Raises IdempotencyKeyReused for a key of another request, IdempotencyKeyRunning where the first is under way.
    """
    held = HeldKey(database, account_id=account_id, key=key, lease_seconds=lease_seconds)
    found = await idempotency.take_key(
        session, account_id=account_id, key=key, request=request, lease=held.token, seconds=lease_seconds
    )
    if found is None:
        return held
    if found.request != request:
        raise IdempotencyKeyReused
    if found.content is None or found.item_id is None or found.message is None:
        raise IdempotencyKeyRunning
    return FirstAnswer(content=found.content, item_id=found.item_id, message=found.message)


def content_of(metadata: FileMetadata, sha256: str | None) -> str:
    """Return a digest of what an upload says; ``sha256`` is the file's, or for a URL the one that was given."""
    said = {name: value for name, value in asdict(metadata).items() if value and name not in ("notices", "sha256")}
    return hashlib.sha256(json.dumps([said, sha256], sort_keys=True).encode()).hexdigest()


class _Hashed:
    """A sink that keeps only the digest."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    async def write(self, chunk: bytes) -> None:
        self.digest.update(chunk)


async def compare_form(first: FirstAnswer, body: Body, content_type: str, *, cap: Cap) -> FileMetadata:
    """Read a form. Raises IdempotencyKeyReused where it is not the first one's, and what ``read_form`` raises."""
    hashed = _Hashed()

    async def open_sink(_: FilePart) -> _Hashed:
        return hashed

    form = await read_form(body, content_type, cap=cap, open_sink=open_sink)
    sha256 = hashed.digest.hexdigest()
    metadata = form_metadata(form.file.file_name, form.fields)
    if metadata.sha256 not in (None, sha256):
        raise DigestMismatch("The SHA-256 of the file is not the one that the upload gives.")
    first.require_same(metadata, sha256)
    return metadata


async def compare_url(first: FirstAnswer, body: Body) -> FileMetadata:
    """Read a JSON body. Raises IdempotencyKeyReused where it asks another thing, and what ``parse_url_request`` does."""
    request = parse_url_request(await body.read())
    first.require_same(request.metadata, request.metadata.sha256)
    return request.metadata
