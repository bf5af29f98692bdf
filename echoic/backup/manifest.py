"""The manifest: what a backup holds. It is written last, so a backup that has one is whole."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from echoic.errors import BackupDamaged, BackupUnfit

FORMAT = 1
"""Version of the format: of the manifest, the list of objects and the tables' rows. A reader refuses later ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPart:
    """A part of a backup among its objects, compressed with gzip."""

    key: str
    size_bytes: int
    sha256: str
    """That of the compressed bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TablePart:
    """The rows of one table."""

    columns: list[str]
    part: StoredPart


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """A whole backup."""

    format: int
    id: str
    """When it was begun, in UTC, and a random end: sorts by age."""
    installation: str
    """Says which installation it is of; a restored one keeps it."""
    program: str
    """Version of Echoic."""
    schema: str
    """Revision of the database's schema."""
    queue: str
    """Version of the queue library whose tables are in it."""
    began_at: str
    """The moment that it shows."""
    finished_at: str
    counts: dict[str, int]
    """Rows of the tables that people speak of."""
    tables: dict[str, TablePart]
    sequences: dict[str, tuple[int, bool]]
    """Of each, its last value, and whether that was given out."""
    objects: StoredPart
    """The list of the objects: a line of JSON for each, with key, size and checksum."""
    object_count: int
    object_bytes: int
    copied_count: int
    """Objects that this backup copied; others were there from earlier ones."""
    copied_bytes: int
    removed: list[str]
    """Keys of objects that rows named at ``began_at`` and that were deleted, with their items, before they were copied."""
    missing: list[str]
    """Keys of objects that rows name and that the storage had lost, or holds damaged."""
    emptied: list[str] = field(default_factory=list)
    """Keys of recordings that were removed at their deadline, while their items stay, before they were copied."""
    deletion_key: str | None = None
    """The public key, as PEM, with which the installation signs receipts of deletions; None: an older version made the backup."""

    @property
    def name(self) -> str:
        """Return the name of its document."""
        return f"{self.id}.json"

    @property
    def parts(self) -> list[StoredPart]:
        """Return all parts beside the objects themselves."""
        return [self.objects, *(table.part for table in self.tables.values())]

    def to_json(self) -> bytes:
        """Write it as JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode()


_MANIFEST = TypeAdapter(Manifest)


def parse(content: bytes, *, name: str) -> Manifest:
    """Read a manifest. Raises BackupDamaged for one that is none, BackupUnfit for one of a later format."""
    try:
        found = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BackupDamaged(f"The manifest {name} is damaged: {error}.") from error
    version = found.get("format") if isinstance(found, Mapping) else None
    if isinstance(version, int) and version > FORMAT:
        raise BackupUnfit(
            f"The backup {name} has the format {version}, this version of Echoic knows formats up to {FORMAT}. Use the version "
            f"that made it: {found.get('program')}."
        )
    try:
        return _MANIFEST.validate_python(found)
    except ValidationError as error:
        first: Any = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BackupDamaged(f"The manifest {name} is damaged: {where}: {first['msg']}.") from error


def new_id(moment: datetime) -> str:
    """Return an id for a backup that begins now."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z-{secrets.token_hex(2)}"
