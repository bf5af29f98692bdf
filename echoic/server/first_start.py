"""First start: the account, its private library, a dataset for uploads, and a key for the command line."""

import contextlib
import os
import secrets
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.compose import Components
from echoic.db.accounts import accounts
from echoic.db.accounts.accounts import Account
from echoic.db.catalog import libraries
from echoic.errors import SettingInvalid
from echoic.plans import UNLIMITED
from echoic.settings import Settings

ACCOUNT_NAME = "Owner"
LIBRARY_SLUG = "my-library"
LIBRARY_NAME = "My library"
DATASET_NAME = "My uploads"
KEY_NAME = "This machine"
SLUG_BYTES = 3


async def ensure_first_start(components: Components) -> str | None:
    """Make what a new installation needs; returns the API key where one was made, to be shown once.

    The key is kept in a file that only this account can read. Where that file is gone, the machine gets a new key.
    """
    key_file = components.settings.api_key_file
    async with components.database.transaction() as session:
        account = await accounts.first_account(session)
        if account is None:
            account = await create_owner(
                session,
                components.settings,
                name=ACCOUNT_NAME,
                plan=UNLIMITED,
                library_slug=LIBRARY_SLUG,
                library_name=LIBRARY_NAME,
            )
        elif key_file.exists():
            return None
        _, key = await accounts.create_key(session, account_id=account.id, name=KEY_NAME)
        keep_key(key_file, key)
    return key


async def create_owner(
    session: AsyncSession,
    settings: Settings,
    *,
    name: str,
    plan: str,
    library_name: str | None = None,
    library_slug: str | None = None,
) -> Account:
    """Make an account that can begin at once: it owns a private library with a dataset for uploads."""
    account = await accounts.create_account(session, name=name, plan=plan)
    library = await libraries.create_library(
        session,
        # Anybody may have taken a slug that can be foreseen.
        slug=library_slug or f"library-{account.id}-{secrets.token_hex(SLUG_BYTES)}",
        name=library_name or f"{name}'s library",
        owner_account_id=account.id,
    )
    await libraries.create_dataset(
        session, library_id=library.id, name=DATASET_NAME, max_file_size_mb=settings.upload_default_max_mb
    )
    return account


def keep_key(path: Path, key: str) -> None:
    """Keep a key where the commands of this machine look for it, for this account's eyes alone.

    Raises SettingInvalid where the file cannot be written; then a key kept before is still there.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(key + "\n")
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # there may be no such folder
            partial.unlink()
        raise SettingInvalid(f"The key cannot be kept in {path} (ECHOIC_DATA_DIR): {error.strerror}.") from error
