"""Receipts of what was deleted: listed, shown, and the key that they are signed with."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from echoic.api.auth import Reader
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Limit, Offset
from echoic.api.patterns import RECEIPT_ID
from echoic.api.problems import Problem
from echoic.db.receipts import receipts
from echoic.db.receipts.receipts import Reason, Receipt, Removed
from echoic.db.receipts.signing import ALGORITHM, key_id
from echoic.errors import DeletionNotFound

router = APIRouter(tags=["deletions"], responses={"default": {"model": Problem}})

ReceiptId = Annotated[str, Path(pattern=RECEIPT_ID, description="The receipt's id.")]
PEM = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
SIGNATURE = "k2Jm0Vb5w4bqv0kH7Xo1bA=="


class DeletionBody(BaseModel):
    """A receipt of what was deleted of one item."""

    id: str = Field(
        description="The receipt's id, which the header `Deletion-Receipt` of a deletion has as well.",
        examples=["del_3f1b0c9d8e7f4a5b9c1d2e3f4a5b6c7d"],
    )
    removed: Removed = Field(description="item: all of it; audio or transcript: that alone.")
    item_id: int
    dataset_id: int
    sha256: str = Field(description="SHA-256 of the recording as it was uploaded, in hexadecimal digits.")
    size_bytes: int
    uploaded_at: UtcTime = Field(description="The time when the item was made, in UTC.")
    rows: dict[str, int] = Field(
        description="The number of rows that were deleted, by the names of their tables.", examples=[{"segments": 120}]
    )
    objects: int = Field(description="The number of objects that were in the storage for it.", examples=[1])
    reason: Reason = Field(
        description="request: somebody asked for it; deadline: its time was over; temporary: it was sent to be transcribed "
        "only."
    )
    account_id: int | None = Field(description="The account that asked for it; null: none did.")
    deleted_at: UtcTime = Field(description="The time at which the rows were deleted, in UTC.")
    objects_removed_at: UtcTime | None = Field(
        description="The time at which all objects were seen to be gone, in UTC; null: not yet."
    )
    key_id: str = Field(description="The key that signed it, by a short name.", examples=["0f1e2d3c4b5a6978"])
    public_key: str = Field(description="That key, as PEM.", examples=[PEM])
    statement: str = Field(
        description="The text that is signed, JSON: all of the above but the second time.", examples=['{"format":1}']
    )
    signature: str = Field(description="Ed25519 over the statement's UTF-8 bytes, in Base64.", examples=[SIGNATURE])
    confirmation: str | None = Field(
        description="The text that confirms the removal of the objects, JSON with the SHA-256 of the statement; null: not yet.",
        examples=['{"format":1}'],
    )
    confirmation_signature: str | None = Field(
        description="Ed25519 over the confirmation's UTF-8 bytes, in Base64.", examples=[SIGNATURE]
    )


class DeletionList(BaseModel):
    """One page of receipts."""

    deletions: list[DeletionBody] = Field(description="The receipts of this page, the newest first.")
    total: int
    limit: int
    offset: int


class DeletionKey(BaseModel):
    """The key that signs receipts."""

    algorithm: Literal["Ed25519"] = Field(description="The algorithm of the signatures (RFC 8032).")
    key_id: str = Field(description="A short name of the key.", examples=["0f1e2d3c4b5a6978"])
    public_key: str = Field(description="The public key, as PEM.", examples=[PEM])


@router.get("/api/deletions", operation_id="listDeletions")
async def list_deletions(
    caller: Reader,
    components: ComponentsDep,
    *,
    item_id: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only those of the item with this id.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> DeletionList:
    """The receipts of what was deleted in libraries that you own, or owned when it was deleted, the newest first."""
    async with components.database.transaction() as session:
        page, total = await receipts.list_for(
            session, account_id=caller.account_id, item_id=item_id, limit=limit, offset=offset
        )
    return DeletionList(deletions=[_body(each) for each in page], total=total, limit=limit, offset=offset)


@router.get("/api/deletions/{receipt_id}", operation_id="getDeletion")
async def get(receipt_id: ReceiptId, caller: Reader, components: ComponentsDep) -> DeletionBody:
    """A receipt of what was deleted; docs/privacy.md says how to verify it."""
    async with components.database.transaction() as session:
        found = await receipts.find(session, account_id=caller.account_id, receipt_id=receipt_id)
    if found is None:
        raise DeletionNotFound
    return _body(found)


@router.get("/api/deletion-key", operation_id="getDeletionKey")
async def key(caller: Reader, components: ComponentsDep) -> DeletionKey:  # noqa: ARG001 - known, as everywhere
    """The public key with which this installation signs receipts."""
    async with components.database.transaction() as session:
        signing = await receipts.signing_key(session)
    return DeletionKey(algorithm=ALGORITHM, key_id=key_id(signing.public_key), public_key=signing.public_key)


def _body(receipt: Receipt) -> DeletionBody:
    said: dict[str, Any] = json.loads(receipt.statement)
    confirmed: dict[str, Any] = {} if receipt.confirmation is None else json.loads(receipt.confirmation)
    told = {name: value for name, value in said.items() if name in DeletionBody.model_fields}
    return DeletionBody(
        **told,
        objects_removed_at=confirmed.get("objects_removed_at"),
        key_id=key_id(receipt.public_key),
        public_key=receipt.public_key,
        statement=receipt.statement,
        signature=receipt.signature,
        confirmation=receipt.confirmation,
        confirmation_signature=receipt.confirmation_signature,
    )
