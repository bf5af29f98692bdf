"""E-mail addresses of the account: kept, confirmed by a link that is sent there, deleted (docs/alerts.md)."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from echoic import access
from echoic.access import tells_of_its_own
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import Body, UtcTime, read_json
from echoic.api.context import ComponentsDep
from echoic.api.openapi import json_body
from echoic.api.parameters import Id
from echoic.api.problems import Problem
from echoic.db.outbox import email_addresses
from echoic.db.outbox.email_addresses import EmailAddress, EmailState
from echoic.outbox.mailboxes import keep_address, own_address, send_link

router = APIRouter(tags=["notifications"], responses={"default": {"model": Problem}})


class NewEmailAddress(Body):
    """An e-mail address to be kept."""

    address: Annotated[str, Field(min_length=3, max_length=320)] = Field(
        description="The address. It is sent a link to confirm it.", examples=["ada@example.org"]
    )


class EmailAddressBody(BaseModel):
    """An e-mail address of the account."""

    id: int
    address: str = Field(description="The address.", examples=["ada@example.org"])
    state: EmailState = Field(
        description="Mail is sent only where it is `confirmed`. `unsubscribed`: its owner wants none; `refused`: a mail server "
        "refused it for good; `failed`: a mail was not taken in ten attempts.",
        examples=["confirmed"],
    )
    state_since: UtcTime = Field(description="The time since which that is so, in UTC.")
    reason: str | None = Field(
        description="The words of the mail server where it refused the address; null elsewhere.",
        examples=["5.1.1 no such mailbox"],
    )
    confirm_until: UtcTime | None = Field(
        description="The time until which the link that was sent last confirms it, in UTC; null: there is none."
    )
    created_at: UtcTime


class EmailAddressList(BaseModel):
    """The account's e-mail addresses."""

    addresses: list[EmailAddressBody] = Field(description="The addresses, the oldest first; there are 20 at most.")
    is_set_up: bool = Field(description="Whether this server sends e-mail at all.", examples=[True])


@router.get("/api/email-addresses", operation_id="listEmailAddresses")
async def list_own(caller: Reader, components: ComponentsDep) -> EmailAddressList:
    """The account's e-mail addresses."""
    async with components.database.transaction() as session:
        rows = await email_addresses.list_own(session, caller.account_id)
    return EmailAddressList(
        addresses=[EmailAddressBody(**_fields(row)) for row in rows], is_set_up=components.outbox.mailing is not None
    )


@router.post(
    "/api/email-addresses", status_code=201, openapi_extra=json_body(NewEmailAddress), operation_id="addEmailAddress"
)
@tells_of_its_own
async def add(caller: Manager, components: ComponentsDep, request: Request) -> EmailAddressBody:
    """Keep an e-mail address and send it a link; one that the account has already is answered as it is.

    The key needs the scope `read` as well: what alerts find is sent there.
    """
    access.require_scope(caller, access.READ)
    components.outbox.require_mail()
    wanted = await read_json(request, NewEmailAddress)
    async with components.database.transaction() as session:
        return EmailAddressBody(**_fields(await keep_address(session, caller, wanted.address)))


@router.post("/api/email-addresses/{address_id}/confirmation", operation_id="sendEmailConfirmation")
async def send_confirmation(address_id: Id, caller: Manager, components: ComponentsDep) -> EmailAddressBody:
    """Send another link to confirm an address; it works for a day, once. The former one works no longer.

    429 `rate_limited` after three links within eight hours.
    """
    async with components.database.transaction() as session:
        row = await own_address(session, caller, address_id)
        components.outbox.require_mail()
        await send_link(session, row)
        return EmailAddressBody(**_fields(row))


@router.delete("/api/email-addresses/{address_id}", status_code=204, operation_id="deleteEmailAddress")
async def delete(address_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Delete an address with the mail that waits for it; alerts that told it tell it no longer."""
    async with components.database.transaction() as session:
        await email_addresses.delete(session, await own_address(session, caller, address_id))


def _fields(row: EmailAddress) -> dict[str, Any]:
    return {
        "id": row.id,
        "address": row.address,
        "state": row.state,
        "state_since": row.state_since,
        "reason": row.reason,
        "confirm_until": row.confirm_until,
        "created_at": row.created_at,
    }
