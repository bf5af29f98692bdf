"""The accounts of the installation, for administrators: made, changed, locked and removed."""

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from echoic import access
from echoic.access import Caller, tells_of_its_own
from echoic.accounts import detaching, removal
from echoic.accounts.founding import create_owner
from echoic.api.auth import Manager
from echoic.api.bodies import Body, UtcTime, read_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.names import Name
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Id, Limit, Offset
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.api.visitors import Password, SignInName
from echoic.compose import Components
from echoic.db.accounts import accounts, administrators, identities, sign_ins
from echoic.db.accounts.accounts import Account
from echoic.db.accounts.figures import AccountFigures, figures_of
from echoic.db.catalog import owned
from echoic.errors import AccountNotFound, FieldInvalid
from echoic.intake.sweep import discard
from echoic.plans import FREE, Plans

KEY_NAME = "First key"
MAX_PLAN_CHARACTERS = 64

router = APIRouter(tags=["accounts"], responses={"default": {"model": Problem}})

PlanName = Annotated[str, Field(min_length=1, max_length=MAX_PLAN_CHARACTERS)]


class NewAccount(Body):
    """An account to be made."""

    name: Name = Field(description="Shown to those who share a library with it.")
    plan: PlanName = Field(default=FREE.name, description="The name of the account's plan.")
    sign_in_name: SignInName | None = Field(default=None, description="With a password: it signs in with them.")
    password: Password | None = Field(default=None, description="10 to 1,000 characters; needs a sign-in name.")


class AccountChange(Body):
    """A change of an account; fields that are left out stay as they are."""

    name: Name = Field(default_factory=unset, description="The account's name, for people.")
    plan: PlanName = Field(default_factory=unset, description="Counts from the next request on.")
    is_admin: bool = Field(default_factory=unset, description="Whether the account administers the installation.")
    is_locked: bool = Field(default_factory=unset, description="While locked, none of its keys and sessions work.")


class FiguresBody(BaseModel):
    """The counts of one account: what it has and uses. The limits of its plan are listed by `/api/plans`."""

    minutes_used: float = Field(description="Of recordings that were published this month (UTC).")
    minutes_reserved: float = Field(description="Of recordings under way.")
    stored_bytes: int
    stored_items: int = Field(description="The number of its recordings that are kept.")
    api_keys: int = Field(description="Keys that work.")
    last_used_at: UtcTime | None = Field(
        description="The time when one of its keys or sessions was last used; null: not known."
    )

    @classmethod
    def of(cls, figures: AccountFigures) -> "FiguresBody":
        """Seconds as minutes, to the hundredth."""
        return cls(
            minutes_used=round(figures.minutes.used_seconds / 60, 2),
            minutes_reserved=round(figures.minutes.reserved_seconds / 60, 2),
            stored_bytes=figures.stored.size_bytes,
            stored_items=figures.stored.recordings,
            api_keys=figures.api_keys,
            last_used_at=figures.last_used_at,
        )


class ListedAccount(BaseModel):
    """An account as administrators see it."""

    id: int
    name: str
    plan: str
    sign_in_name: str | None = Field(description="The name it signs in with; null: it has no password.")
    is_admin: bool
    is_locked: bool
    created_at: UtcTime
    figures: FiguresBody


class MadeAccount(ListedAccount):
    """A new account with its first key, unless it signs in with a password."""

    key: str | None = Field(
        description="An API key with all scopes, which is not kept and cannot be shown again; null where a password was given."
    )


class OwnedLibraryBody(BaseModel):
    """A library that the account owns."""

    slug: str
    name: str
    other_owners: int = Field(description="0: nobody would own it without the account.")
    item_count: int = Field(description="The number of items in it.")


class IdentityBody(BaseModel):
    """A person as somebody else knows them, who has the account."""

    issuer: str = Field(
        description="The address of the OpenID Connect provider; `proxy` for the proxy before the server."
    )
    subject: str = Field(description="The person's `sub` there, or the name that the proxy gives.")
    created_at: UtcTime
    last_used_at: UtcTime


class AccountDetails(ListedAccount):
    """An account with the libraries that it owns, and who it is elsewhere."""

    owned_libraries: list[OwnedLibraryBody] = Field(description="The libraries that the account owns.")
    identities: list[IdentityBody] = Field(description="The account's identities at providers and proxies.")


class AccountList(BaseModel):
    """One page of the accounts, the oldest first."""

    accounts: list[ListedAccount]
    total: int
    limit: int
    offset: int


@router.get("/api/accounts", operation_id="listAccounts")
async def list_all(
    caller: Manager, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> AccountList:
    """Every account, the oldest first, for administrators."""
    access.require_admin(caller)
    async with components.database.transaction() as session:
        found, total = await administrators.list_accounts(session, limit=limit, offset=offset)
        figures = await figures_of(session, [account.id for account, _ in found])
    bodies = [ListedAccount(**_fields(account, name, figures[account.id])) for account, name in found]
    return AccountList(accounts=bodies, total=total, limit=limit, offset=offset)


@router.post("/api/accounts", status_code=201, openapi_extra=json_body(NewAccount), operation_id="createAccount")
@tells_of_its_own
async def create(caller: Manager, components: ComponentsDep, request: Request, response: Response) -> MadeAccount:
    """Make an account with a private library and a dataset for uploads, for administrators.

    It gets a key, or signs in with the name and password given.
    """
    access.require_admin(caller)
    wanted = await read_json(request, NewAccount)
    _require_plan(wanted.plan, components.plans)
    if (wanted.sign_in_name is None) != (wanted.password is None):
        raise FieldInvalid("Give 'sign_in_name' and 'password' together, or neither.")
    response.headers["Cache-Control"] = "no-store"
    if wanted.sign_in_name is None or wanted.password is None:
        account_id, key = await _create_with_key(components, wanted)
    else:
        key, account_id = (
            None,
            await components.sign_ins.make_account(
                components.settings,
                name=wanted.name,
                plan=wanted.plan,
                sign_in_name=wanted.sign_in_name,
                password=wanted.password,
            ),
        )
    async with components.database.transaction() as session:
        made = await _details(session, await accounts.get_account(session, account_id))
    return MadeAccount(**made.model_dump(exclude={"owned_libraries", "identities"}), key=key)


@router.get("/api/accounts/{account_id}", operation_id="getAccount")
async def get(account_id: Id, caller: Manager, components: ComponentsDep) -> AccountDetails:
    """An account, the libraries that it owns, and who it is elsewhere; for administrators."""
    async with components.database.transaction() as session:
        return await _details(session, await _administered(session, account_id, caller))


@router.patch("/api/accounts/{account_id}", openapi_extra=json_body(AccountChange), operation_id="updateAccount")
async def change(account_id: Id, caller: Manager, components: ComponentsDep, request: Request) -> AccountDetails:
    """Rename an account, give it another plan, lock it, or make it an administrator; for administrators.

    409 `last_administrator` where nobody else could administer the installation.
    """
    wanted = await read_json(request, AccountChange)
    given = wanted.model_dump(exclude_unset=True)
    async with components.database.transaction() as session:
        account = await _administered(session, account_id, caller)
        if "plan" in given:
            _require_plan(wanted.plan, components.plans)
        if "is_admin" in given:
            await administrators.set_admin(session, account, is_admin=wanted.is_admin)
        if "is_locked" in given:
            await administrators.set_locked(session, account, is_locked=wanted.is_locked)
        await accounts.change_account(
            session, account, **{name: given[name] for name in ("plan", "name") if name in given}
        )
        return await _details(session, account)


@router.delete("/api/accounts/{account_id}", status_code=204, operation_id="deleteAccount")
async def remove(
    account_id: Id,
    *,
    caller: Manager,
    components: ComponentsDep,
    background: BackgroundTasks,
    heir: Annotated[
        int | None,
        Query(ge=1, le=MAX_ID, description="The account that shall own the libraries that nobody else owns."),
    ] = None,
    delete_libraries: Annotated[
        bool, Query(description="Instead: those libraries go, with all that is in them.")
    ] = False,
) -> None:
    """Remove an account for good, with its keys and sessions; for administrators.

    409 `account_owns_libraries` where it alone owns libraries and nothing is said of them; `last_administrator` where nobody
    else could administer the installation.
    """
    async with components.database.transaction() as session:
        await _administered(session, account_id, caller)
        keys = await removal.remove(
            session, account_id, heir_id=heir, delete_libraries=delete_libraries, by_account_id=caller.account_id
        )
    # There may be thousands; those that a crash leaves are swept.
    background.add_task(discard, components.blobs, keys)


@router.delete("/api/accounts/{account_id}/identities", status_code=204, operation_id="detachIdentity")
async def detach(
    account_id: Id,
    *,
    caller: Manager,
    components: ComponentsDep,
    issuer: Annotated[str, Query(pattern=NO_NUL, description="As the account shows it.")],
    subject: Annotated[str, Query(pattern=NO_NUL, description="As the account shows it.")],
) -> None:
    """Let a person of a provider or a proxy have an account no longer; for administrators.

    Sessions begun at the provider end, and with the last identity the roles of its groups; keys and password stay. The
    person gets another account when they come again, unless the account's sign-in name is their verified address.
    """
    async with components.database.transaction() as session:
        await _administered(session, account_id, caller)
        await detaching.detach(session, account_id, issuer=issuer, subject=subject)


async def _create_with_key(components: Components, wanted: NewAccount) -> tuple[int, str | None]:
    async with components.database.transaction() as session:
        account = await create_owner(session, components.settings, name=wanted.name, plan=wanted.plan)
        _, key = await accounts.create_key(session, account_id=account.id, name=KEY_NAME)
        return account.id, key


async def _administered(session: AsyncSession, account_id: int, caller: Caller) -> Account:
    """An account that the caller may decide about; for everybody but administrators there is none. Raises AccountNotFound."""
    account = await accounts.find_account(session, account_id) if caller.is_admin else None
    if account is None:
        raise AccountNotFound
    return account


def _require_plan(name: str, plans: Plans) -> None:
    if name not in plans:
        raise FieldInvalid(
            f"plan: there is none of that name; the plans are {', '.join(sorted(p.name for p in plans))}."
        )


async def _details(session: AsyncSession, account: Account) -> AccountDetails:
    sign_in = await sign_ins.of_account(session, account.id)
    libraries = [
        OwnedLibraryBody.model_validate(library, from_attributes=True)
        for library in await owned.list_owned(session, account.id)
    ]
    figures = await figures_of(session, [account.id])
    known = [
        IdentityBody.model_validate(each, from_attributes=True)
        for each in await identities.list_of(session, account.id)
    ]
    fields = _fields(account, None if sign_in is None else sign_in.name, figures[account.id])
    return AccountDetails(**fields, owned_libraries=libraries, identities=known)


def _fields(account: Account, sign_in_name: str | None, figures: AccountFigures) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "plan": account.plan,
        "sign_in_name": sign_in_name,
        "is_admin": account.is_admin,
        "is_locked": account.locked_at is not None,
        "created_at": account.created_at,
        "figures": FiguresBody.of(figures),
    }
