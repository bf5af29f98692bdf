"""``echoic accounts``: who may use this server, and on which plan. Works on the database, whether or not a server runs."""

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.accounts import detaching, removal
from echoic.accounts.founding import create_owner
from echoic.accounts.sign_in import SignIns
from echoic.cli.on_database import in_transaction, with_database
from echoic.cli.output import YesOption, confirm, print_rows, remark, say
from echoic.cli.start import read_settings, reported
from echoic.compose import read_plans
from echoic.db.accounts import accounts, administrators, identities
from echoic.db.accounts.accounts import Account, ApiKey
from echoic.db.accounts.figures import AccountFigures, figures_of
from echoic.db.accounts.identities import Identity
from echoic.db.catalog import owned
from echoic.db.catalog.owned import OwnedLibrary
from echoic.db.connect import Database
from echoic.errors import AccountNotFound, AccountOwnsLibraries, KeyNotFound, NotRunning
from echoic.intake.file_names import fault_of_name
from echoic.plans import FREE, Plan, Plans
from echoic.server.first_start import keep_key, kept_key
from echoic.text.visible import is_visible
from echoic.units import MB
from echoic.wording import counted

MAX_NAME_CHARACTERS = 200
KEY_NAME = "First key"
MAX_KEYS_SHOWN = 10_000

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Who may use this server, and on which plan.")

AccountId = Annotated[int, typer.Argument(help="As 'echoic accounts list' shows it.", min=1, max=2**63 - 1)]


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= MAX_NAME_CHARACTERS:
        raise typer.BadParameter(f"must have 1 to {MAX_NAME_CHARACTERS} characters")
    if fault_of_name(name) is not None:
        raise typer.BadParameter("must be text, without control characters")
    if not is_visible(name):
        raise typer.BadParameter("must hold a character that can be seen")
    return name


def _sign_in_name(text: str | None) -> str | None:
    if text is None:
        return None
    name = text.strip()
    if not (0 < len(name) <= MAX_NAME_CHARACTERS and name.isprintable() and " " not in name and is_visible(name)):
        raise typer.BadParameter(f"must have 1 to {MAX_NAME_CHARACTERS} printable characters and no blanks")
    return name


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Shown to those who share a library with it.", callback=_name)],
    *,
    plan: Annotated[str, typer.Option(help="What it may do; docs/plans.md tells more.")] = FREE.name,
) -> None:
    """Make an account with a private library, a dataset for uploads, and a key with all scopes, shown this once."""
    with reported():
        settings = read_settings()
        wanted = read_plans(settings)[plan]

        async def act(session: AsyncSession) -> tuple[Account, str]:
            if await accounts.first_account(session) is None:
                raise NotRunning("This installation has no owner yet; start it once with 'echoic serve'.")
            account = await create_owner(session, settings, name=name, plan=wanted.name)
            _, key = await accounts.create_key(session, account_id=account.id, name=KEY_NAME)
            return account, key

        account, key = in_transaction(settings, act)
        say(f"Account {account.id}, {account.name}, has the plan '{account.plan}' and a library of its own.")
        _show(key)


@app.command("list")
def list_all() -> None:
    """List all accounts, with the keys that work, the minutes of this month (UTC), reserved ones included, and what is kept."""
    with reported():
        settings = read_settings()
        plans = read_plans(settings)

        async def act(session: AsyncSession) -> list[tuple[str, ...]]:
            found = await accounts.list_accounts(session)
            figures = await figures_of(session, [account.id for account in found])
            return [_row(account, figures[account.id], plans) for account in found]

        rows = [("ID", "PLAN", "KEYS", "MINUTES", "MB STORED", "ITEMS", "NAME"), *in_transaction(settings, act)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def plan(account_id: AccountId, plan: Annotated[str, typer.Argument(help="The plan it is to have.")]) -> None:
    """Give an account another plan. It counts from the next request on; what was used this month stays used."""
    with reported():
        settings = read_settings()
        wanted = read_plans(settings)[plan]

        async def act(session: AsyncSession) -> Account:
            account = await _account(session, account_id)
            await accounts.change_account(session, account, plan=wanted.name)
            return account

        account = in_transaction(settings, act)
        say(f"Account {account.id}, {account.name}, has the plan '{account.plan}'.")


@app.command()
def rename(
    account_id: AccountId, name: Annotated[str, typer.Argument(help="The name it is to have.", callback=_name)]
) -> None:
    """Give an account another name; those who share a library with it see it."""
    with reported():

        async def act(session: AsyncSession) -> Account:
            account = await _account(session, account_id)
            await accounts.change_account(session, account, name=name)
            return account

        account = in_transaction(read_settings(), act)
        say(f"Account {account.id} is called {account.name}.")


@app.command("sign-in")
def sign_in(
    account_id: AccountId,
    name: Annotated[
        str | None, typer.Argument(help="What it is to sign in with; left out, the name stays.", callback=_sign_in_name)
    ] = None,
) -> None:
    """Set an account's password, which is asked for, for example where it was forgotten. Its sessions end; its keys stay."""
    with reported():
        settings = read_settings()
        password = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)

        async def act(database: Database) -> str:
            async with database.transaction() as session:
                await _account(session, account_id)
            return await SignIns(database).reset(account_id, name=name, password=password)

        say(f"Account {account_id} signs in as {with_database(settings, act)}.")


@app.command()
def key(
    account_id: AccountId,
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Also keep it on this machine, in place of the key that its commands use.")
    ] = False,
) -> None:
    """Make another key with all scopes for an account that lost its own; the plan's number of keys is not looked at."""
    with reported():
        settings = read_settings()

        async def act(session: AsyncSession) -> str:
            account = await _account(session, account_id)
            _, made = await accounts.create_key(session, account_id=account.id, name="From the operator")
            return made

        made = in_transaction(settings, act)
        _show(made)
        if keep:
            keep_key(settings.api_key_file, made)
            say(f"It is kept in {settings.api_key_file}; a key that was kept there before stays valid until revoked.")


@app.command()
def keys(account_id: AccountId) -> None:
    """List the keys of an account that were not revoked."""
    with reported():

        async def act(session: AsyncSession) -> list[ApiKey]:
            await _account(session, account_id)
            rows, _ = await accounts.list_keys(session, account_id, limit=MAX_KEYS_SHOWN, offset=0)
            return rows

        rows = in_transaction(read_settings(), act)
        print_rows(
            ("id", "prefix", "scopes", "last used", "expires", "name"),
            [
                (row.id, row.shown_prefix, ",".join(row.scopes), row.last_used_at, row.expires_at, row.name)
                for row in rows
            ],
        )


@app.command()
def revoke(
    account_id: AccountId,
    key_id: Annotated[int, typer.Argument(help="As 'echoic accounts keys' shows it.", min=1, max=2**63 - 1)],
    *,
    yes: YesOption = False,
) -> None:
    """End a key of an account at once, for example one that others have seen; asks where this machine's commands use it."""
    with reported():
        settings = read_settings()

        async def look(session: AsyncSession) -> ApiKey | None:
            await _account(session, account_id)
            rows, _ = await accounts.list_keys(session, account_id, limit=MAX_KEYS_SHOWN, offset=0)
            return next((row for row in rows if row.id == key_id), None)

        found = in_transaction(settings, look)
        missing = KeyNotFound(f"Account {account_id} has no key {key_id}; 'echoic accounts keys' shows those it has.")
        if found is None:
            raise missing
        kept = kept_key(settings.api_key_file)
        if kept is not None and accounts.hash_key(kept) == found.sha256:
            confirm(
                f"Key {key_id}, '{found.name}', is the one that this machine's commands use; 'echoic accounts key {account_id} "
                "--keep' makes another. Revoke it?",
                yes=yes,
            )

        async def act(session: AsyncSession) -> None:
            if not await accounts.revoke_key(session, account_id=account_id, key_id=key_id):
                raise missing

        in_transaction(settings, act)
        say(f"Key {key_id} of account {account_id} is revoked.")


@app.command("identities")
def list_identities(account_id: AccountId) -> None:
    """List who an account is elsewhere: at the OpenID Connect provider, or for the proxy before the server."""
    with reported():

        async def act(session: AsyncSession) -> list[Identity]:
            await _account(session, account_id)
            return await identities.list_of(session, account_id)

        rows = in_transaction(read_settings(), act)
        print_rows(("issuer", "subject", "last used"), [(row.issuer, row.subject, row.last_used_at) for row in rows])


@app.command()
def detach(
    account_id: AccountId,
    issuer: Annotated[str, typer.Argument(help="As 'echoic accounts identities' shows it.")],
    subject: Annotated[str, typer.Argument(help="As 'echoic accounts identities' shows it.")],
    *,
    yes: YesOption = False,
) -> None:
    """Let somebody known elsewhere have an account no longer, for example a wrong person; their sessions end, keys stay."""
    with reported():
        settings = read_settings()

        async def look(session: AsyncSession) -> Account:
            return await _account(session, account_id)

        account = in_transaction(settings, look)
        confirm(f"Let {subject} of {issuer} have account {account_id}, {account.name}, no longer?", yes=yes)

        async def act(session: AsyncSession) -> None:
            await detaching.detach(session, account_id, issuer=issuer, subject=subject)

        in_transaction(settings, act)
        say(f"{subject} of {issuer} does not have account {account_id} any more.")


@app.command()
def admin(
    account_id: AccountId,
    *,
    no: Annotated[bool, typer.Option("--no", help="It shall be one no longer.")] = False,
) -> None:
    """Make an account an administrator: it may make, change and remove accounts."""
    with reported():

        async def act(session: AsyncSession) -> Account:
            account = await _account(session, account_id)
            await administrators.set_admin(session, account, is_admin=not no)
            return account

        account = in_transaction(read_settings(), act)
        say(f"Account {account.id}, {account.name}, is {'no' if no else 'an'} administrator.")


@app.command()
def lock(account_id: AccountId) -> None:
    """Let none of an account's keys and sessions work until it is unlocked; work under way goes on."""
    _set_locked(account_id, is_locked=True)


@app.command()
def unlock(account_id: AccountId) -> None:
    """Let an account's keys and sessions work again."""
    _set_locked(account_id, is_locked=False)


@app.command()
def remove(
    account_id: AccountId,
    *,
    heir: Annotated[
        int | None, typer.Option(help="The account that shall own the libraries that nobody else owns.", min=1)
    ] = None,
    delete_libraries: Annotated[
        bool, typer.Option("--delete-libraries", help="Delete those libraries with all that is in them.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Remove an account for good, with its keys and sessions. Says first what becomes of its libraries, and asks."""
    with reported():
        if heir is not None and delete_libraries:
            raise typer.BadParameter("Give either --heir or --delete-libraries.")
        settings = read_settings()

        async def look(session: AsyncSession) -> tuple[Account, list[OwnedLibrary]]:
            return await _account(session, account_id), await owned.list_owned(session, account_id)

        account, libraries = in_transaction(settings, look)
        alone = [library for library in libraries if not library.other_owners]
        if alone and heir is None and not delete_libraries:
            raise AccountOwnsLibraries([library.slug for library in alone])
        for library in libraries:
            remark(_fate(library, heir))
        confirm(f"Remove account {account_id}, {account.name}, for good?", yes=yes)

        async def act(session: AsyncSession) -> None:
            await removal.remove(session, account_id, heir_id=heir, delete_libraries=delete_libraries)

        # The bytes that no row names any more are swept by the server.
        in_transaction(settings, act)
        say(f"Account {account_id} is removed.")


def _fate(library: OwnedLibrary, heir: int | None) -> str:
    told = f"Library {library.slug}, {library.name}, with {counted(library.item_count, 'item')}"
    if library.other_owners:
        return f"{told}: stays with its other owners."
    return f"{told}: is deleted." if heir is None else f"{told}: goes to account {heir}."


def _set_locked(account_id: int, *, is_locked: bool) -> None:
    with reported():

        async def act(session: AsyncSession) -> Account:
            account = await _account(session, account_id)
            await administrators.set_locked(session, account, is_locked=is_locked)
            return account

        account = in_transaction(read_settings(), act)
        say(f"Account {account.id}, {account.name}, is {'locked' if is_locked else 'unlocked'}.")


def _show(key: str) -> None:
    say(f"API key, shown this once:\n\n    {key}\n")


async def _account(session: AsyncSession, account_id: int) -> Account:
    account = await accounts.find_account(session, account_id)
    if account is None:
        raise AccountNotFound(f"There is no account {account_id}; 'echoic accounts list' shows those there are.")
    return account


def _row(account: Account, figures: AccountFigures, plans: Plans) -> tuple[str, ...]:
    known = plans[account.plan] if account.plan in plans else Plan(name=f"{account.plan} (unknown)")
    return (
        str(account.id),
        known.name,
        f"{figures.api_keys} of {_limit(known.api_keys)}",
        f"{figures.minutes.taken_seconds / 60:.2f} of {_limit(known.monthly_minutes)}",
        f"{figures.stored.size_bytes / MB:.1f} of {_limit(known.stored_mb)}",
        f"{figures.stored.recordings} of {_limit(known.stored_items)}",
        f"{account.name}{_state(account)}",
    )


def _state(account: Account) -> str:
    states = ("administrator" if account.is_admin else "", "" if account.locked_at is None else "locked")
    told = ", ".join(filter(None, states))
    return f" ({told})" if told else ""


def _limit(figure: int | None) -> str:
    return "any number" if figure is None else str(figure)
