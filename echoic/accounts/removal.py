"""Removing an account for good. A library that others own too stays theirs; one that nobody else owns needs a decision."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import accounts, administrators
from echoic.db.catalog import members, owned
from echoic.db.catalog.datasets import delete_library
from echoic.db.catalog.owned import OwnedLibrary
from echoic.db.receipts.receipts import Cause
from echoic.errors import AccountNotFound, AccountOwnsLibraries, FieldInvalid


async def remove(
    session: AsyncSession,
    account_id: int,
    *,
    heir_id: int | None,
    delete_libraries: bool,
    by_account_id: int | None = None,
) -> Sequence[str]:
    """Remove an account with its keys, sessions and memberships; returns the keys of bytes to delete after the commit.

    What it uploaded to libraries of others stays there, and what it wrote there stays without its name. Libraries that nobody
    else owns go to the account ``heir_id``, or are deleted with all that is in them. ``by_account_id`` asks for it; None: a command on the machine.

    Raises:
        AccountNotFound: there is no such account, or no such heir.
        LastAdministrator: nobody else is an administrator.
        AccountOwnsLibraries: it alone owns libraries, and nothing was said of them.
        FieldInvalid: the heir is the account itself.
    """
    await administrators.keep_another(session, account_id)
    account = await accounts.find_account(session, account_id)
    if account is None:
        raise AccountNotFound
    if heir_id == account_id:
        raise FieldInvalid("The account that is removed cannot take over its own libraries.")
    if heir_id is not None and await accounts.find_account(session, heir_id) is None:
        raise AccountNotFound(f"There is no account {heir_id} to take over the libraries.")
    libraries = await owned.list_owned(session, account_id)
    alone = [library for library in libraries if not library.other_owners]
    if alone and heir_id is None and not delete_libraries:
        raise AccountOwnsLibraries([library.slug for library in alone])
    cause = Cause(reason="request", account_id=by_account_id)
    keys = await _settle(session, alone, heir_id=heir_id, cause=cause)
    for library in await owned.list_owned(session, account_id):
        await members.leave(session, library_id=library.id, account_id=account_id)
    await accounts.delete_account(session, account)
    return keys


async def _settle(
    session: AsyncSession, alone: Sequence[OwnedLibrary], *, heir_id: int | None, cause: Cause
) -> list[str]:
    keys: list[str] = []
    for library in alone:
        if heir_id is None:
            keys += await delete_library(session, library.id, cause)
        else:
            await members.set_role(session, library_id=library.id, account_id=heir_id, role="owner")
    return keys
