"""Receipts: signed statements of what was deleted, written in the transaction that deletes it, and kept afterwards.

A receipt holds ids, digests and counts, nothing of what was said or by whom. Once the bytes are gone from the storage, a
second signed statement confirms it.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Text, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base
from echoic.db.catalog.libraries import LibraryMember
from echoic.db.outbox.rights import DELETED
from echoic.db.outbox.telling import tell_all
from echoic.db.receipts.signing import SigningKey
from echoic.db.server_secrets import secret_within

Removed = Literal["item", "audio", "transcript"]
Reason = Literal["request", "deadline", "temporary"]
"""``temporary``: it was sent to be transcribed only."""

KEY = "deletion receipts"
"""The name of the secret that signs receipts."""
FORMAT = 1
"""Version of the statements."""


class Receipt(Base):
    """A record of what was deleted of one item."""

    __tablename__ = "deletion_receipts"
    __table_args__ = (
        CheckConstraint("removed IN ('item', 'audio', 'transcript')", name="removed"),
        Index("ix_deletion_receipts_owner_account_id_deleted_at", "owner_account_id", "deleted_at"),
        Index("ix_deletion_receipts_library_id_deleted_at", "library_id", "deleted_at"),
        Index("ix_deletion_receipts_unconfirmed", "deleted_at", postgresql_where=text("confirmation IS NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    owner_account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    """Who owned the library then."""
    library_id: Mapped[int]
    dataset_id: Mapped[int]
    item_id: Mapped[int] = mapped_column(index=True)
    """These three may be gone, so they refer to nothing."""
    removed: Mapped[Removed] = mapped_column(Text)
    deleted_at: Mapped[datetime]
    public_key: Mapped[str]
    """As PEM."""
    statement: Mapped[str]
    """JSON, as it was signed."""
    signature: Mapped[str]
    """In Base64."""
    keys_left: Mapped[list[str]] = mapped_column(server_default="{}")
    """Keys of objects that nobody has seen gone yet."""
    confirmation: Mapped[str | None]
    """JSON, as it was signed; None until all objects were seen to be gone."""
    confirmation_signature: Mapped[str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why something is deleted, and by which account; None: by the server itself, or by a command on its machine."""

    reason: Reason
    account_id: int | None = None


BY_REQUEST = Cause(reason="request")


def by_request_of(account_id: int) -> Cause:
    """Return the cause of what an account asks for."""
    return Cause(reason="request", account_id=account_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """An item that is deleted, with what goes with it."""

    item_id: int
    dataset_id: int
    library_id: int
    owner_account_id: int
    uploaded_at: datetime
    sha256: str
    """Of the recording."""
    size_bytes: int
    keys: Sequence[str]
    """Those of its objects."""
    rows: Mapping[str, int]
    """Counts by kinds."""


async def signing_key(session: AsyncSession) -> SigningKey:
    """Return the key of the installation, which comes with the schema: deletions that made it would wait for each other."""
    return SigningKey(await secret_within(session, KEY))


async def write(session: AsyncSession, gone: Sequence[Gone], cause: Cause, *, removed: Removed = "item") -> None:
    """Write a receipt for each item, and tell of those that go whole; a confirmation follows where objects go with it."""
    if not gone:
        return
    key, now = await signing_key(session), datetime.now(UTC)
    rows = [_row(key, one, cause, removed=removed, now=now) for one in gone]
    await session.execute(insert(Receipt), rows)
    if removed != "item":
        return
    of_dataset: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        data = {name: row[name] for name in ("item_id", "dataset_id")}
        data |= {"deleted_at": said(now), "reason": cause.reason, "receipt_id": row["id"]}
        of_dataset.setdefault(row["dataset_id"], []).append(data)
    for dataset_id, each in of_dataset.items():
        await tell_all(session, DELETED, each, dataset_id=dataset_id)


def _row(key: SigningKey, gone: Gone, cause: Cause, *, removed: Removed, now: datetime) -> dict[str, Any]:
    receipt_id = f"del_{secrets.token_hex(16)}"
    statement = _json(
        {
            "format": FORMAT,
            "id": receipt_id,
            "removed": removed,
            "item_id": gone.item_id,
            "dataset_id": gone.dataset_id,
            "library_id": gone.library_id,
            "uploaded_at": said(gone.uploaded_at),
            "sha256": gone.sha256,
            "size_bytes": gone.size_bytes,
            "rows": dict(gone.rows),
            "objects": len(gone.keys),
            "deleted_at": said(now),
            "reason": cause.reason,
            "account_id": cause.account_id,
        }
    )
    return {
        "id": receipt_id,
        "owner_account_id": gone.owner_account_id,
        "library_id": gone.library_id,
        "dataset_id": gone.dataset_id,
        "item_id": gone.item_id,
        "removed": removed,
        "deleted_at": now,
        "public_key": key.public_key,
        "statement": statement,
        "signature": key.sign(statement),
        "keys_left": list(gone.keys),
    }


async def unconfirmed(session: AsyncSession, *, limit: int, item_id: int | None = None) -> Sequence[Receipt]:
    """Return the oldest receipts whose objects were not seen to be gone: all, or those of one item."""
    wanted = select(Receipt).where(Receipt.confirmation.is_(None))
    if item_id is not None:
        wanted = wanted.where(Receipt.item_id == item_id)
    return (await session.scalars(wanted.order_by(Receipt.deleted_at).limit(limit))).all()


async def confirm(session: AsyncSession, receipt: Receipt) -> None:
    """Write that the objects of a receipt are gone, signed; a confirmation that is there stays."""
    key, statement = await signing_key(session), receipt.statement
    confirmation = _json(
        {
            "format": FORMAT,
            "id": receipt.id,
            "statement_sha256": hashlib.sha256(statement.encode()).hexdigest(),
            "objects_removed_at": said(datetime.now(UTC)),
        }
    )
    await session.execute(
        update(Receipt)
        .where(Receipt.id == receipt.id, Receipt.confirmation.is_(None))
        .values(keys_left=[], confirmation=confirmation, confirmation_signature=key.sign(confirmation))
    )


async def signed_by(session: AsyncSession, key: SigningKey) -> Sequence[Receipt]:
    """Return all receipts that a key signed, oldest first."""
    wanted = select(Receipt).where(Receipt.public_key == key.public_key)
    return (await session.scalars(wanted.order_by(Receipt.deleted_at, Receipt.id))).all()


async def newest_of(session: AsyncSession, item_id: int) -> str | None:
    """Return the id of the newest receipt of an item."""
    return await session.scalar(
        select(Receipt.id).where(Receipt.item_id == item_id).order_by(Receipt.deleted_at.desc()).limit(1)
    )


async def list_for(
    session: AsyncSession, *, account_id: int, item_id: int | None, limit: int, offset: int
) -> tuple[Sequence[Receipt], int]:
    """Return the receipts that an account may see, the newest first, and how many there are."""
    wanted = select(Receipt).where(_seen_by(account_id))
    if item_id is not None:
        wanted = wanted.where(Receipt.item_id == item_id)
    total = await session.scalar(select(func.count()).select_from(wanted.with_only_columns(Receipt.id).subquery()))
    page = wanted.order_by(Receipt.deleted_at.desc(), Receipt.id).limit(limit).offset(offset)
    return (await session.scalars(page)).all(), total or 0


async def find(session: AsyncSession, *, account_id: int, receipt_id: str) -> Receipt | None:
    """Return a receipt that an account may see."""
    return await session.scalar(select(Receipt).where(Receipt.id == receipt_id, _seen_by(account_id)))


def _seen_by(account_id: int) -> ColumnElement[bool]:
    """Return whether an account owns the library now, or owned it then."""
    owned = select(LibraryMember.library_id).where(
        LibraryMember.account_id == account_id, LibraryMember.role == "owner"
    )
    return or_(Receipt.owner_account_id == account_id, Receipt.library_id.in_(owned))


def said(moment: datetime) -> str:
    """Return a time as statements have it: in UTC, as ISO 8601."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))
