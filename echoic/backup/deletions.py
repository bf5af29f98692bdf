"""The deletions that a place of backups knows: the signed receipts of an installation, in one document beside the backups.

deletions.jsonl.gz    a line of JSON that says whose they are, then one for each receipt, compressed

A backup holds what was there at its moment. What was deleted afterwards is known by these receipts alone, so that a restore
can leave it out. They hold ids, digests and counts, as receipts do.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from echoic.backup.manifest import Manifest
from echoic.backup.place import Place
from echoic.db.connect import Database
from echoic.db.receipts import receipts
from echoic.db.receipts.receipts import Removed
from echoic.db.receipts.signing import is_signed
from echoic.errors import BackupDamaged, BackupUnfit, BlobNotFound

DOCUMENT = "deletions.jsonl.gz"
FORMAT = 1
"""Version of the document. A reader refuses later ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stated:
    id: str
    removed: Removed
    item_id: int
    dataset_id: int
    library_id: int
    uploaded_at: datetime
    deleted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion(_Stated):
    """A receipt whose signatures were verified, with what its statement says."""

    public_key: str
    statement: str
    signature: str
    confirmation: str | None
    confirmation_signature: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heading:
    format: int
    installation: str
    """As in a manifest."""
    public_key: str
    """As PEM: the key that signed all receipts."""
    written_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    statement: str
    signature: str
    confirmation: str | None
    confirmation_signature: str | None


_HEADING, _LINE, _STATED = TypeAdapter(_Heading), TypeAdapter(_Line), TypeAdapter(_Stated)


async def keep_deletions(database: Database, place: Place, *, installation: str) -> int:
    """Write the receipts of all deletions so far beside the backups, in place of those there; returns how many there are.

    Raises DatabaseUnavailable and StorageUnavailable.
    """
    async with database.transaction() as session:
        key = await receipts.signing_key(session)
        found = await receipts.signed_by(session, key)
    heading = _Heading(
        format=FORMAT,
        installation=installation,
        public_key=key.public_key,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    lines = [
        _Line(
            statement=each.statement,
            signature=each.signature,
            confirmation=each.confirmation,
            confirmation_signature=each.confirmation_signature,
        )
        for each in found
    ]
    rows = [asdict(heading), *map(asdict, lines)]
    content = "".join(f"{json.dumps(row, separators=(',', ':'))}\n" for row in rows)
    await place.manifests.write(DOCUMENT, gzip.compress(content.encode()))
    return len(lines)


async def read_deletions(place: Place, manifest: Manifest) -> list[Deletion] | None:
    """Return the deletions that a place knows, all verified, in the order of their times; None where it knows of none.

    Raises:
        BackupUnfit: they are of another installation than the backup, or another key signed them.
        BackupDamaged: the document is damaged, or a signature is wrong; nothing of it is used then.
    """
    try:
        content = await place.manifests.read(DOCUMENT)
    except BlobNotFound:
        return None
    where = f"the deletions in {place.name}"
    try:
        first, *lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
        version = first.get("format") if isinstance(first, Mapping) else None
        if isinstance(version, int) and version > FORMAT:
            raise BackupUnfit(
                f"The format of {where} is {version}, this version of Echoic knows formats up to {FORMAT}. Restore with a newer one."
            )
        heading = _HEADING.validate_python(first)
        _require_same(heading, manifest, where)
        return sorted((_verified(each, heading.public_key, where) for each in lines), key=lambda each: each.deleted_at)
    except (EOFError, OSError, zlib.error, ValueError) as error:
        # Of pydantic and json, too, whose errors are ValueErrors.
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise BackupDamaged(f"{where.capitalize()} are damaged: {why}.") from error


def _require_same(heading: _Heading, manifest: Manifest, where: str) -> None:
    if heading.installation != manifest.installation:
        raise BackupUnfit(
            f"{where.capitalize()} are of another installation ({heading.installation}) than the backup {manifest.id} "
            f"({manifest.installation}). Name the place to which 'echoic backup' of this installation wrote."
        )
    if manifest.deletion_key is not None and heading.public_key != manifest.deletion_key:
        raise BackupUnfit(f"{where.capitalize()} are signed with another key than that of the backup {manifest.id}.")


def _verified(found: Any, public_key: str, where: str) -> Deletion:
    line = _LINE.validate_python(found)
    stated = _STATED.validate_python(json.loads(line.statement))
    good = is_signed(line.statement, line.signature, public_key)
    if good and line.confirmation is not None:
        confirmed = json.loads(line.confirmation)
        good = (
            is_signed(line.confirmation, line.confirmation_signature or "", public_key)
            and confirmed.get("statement_sha256") == hashlib.sha256(line.statement.encode()).hexdigest()
        )
    if not good:
        raise BackupDamaged(
            f"In {where}, the receipt {stated.id} has a wrong signature: somebody has changed it, or another key signed it. "
            "Nothing was restored."
        )
    return Deletion(**asdict(stated), **asdict(line), public_key=public_key)
