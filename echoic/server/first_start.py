"""First start: the account, its private library, a dataset for uploads, and a key for the command line."""

import contextlib
import os
from pathlib import Path

from echoic.accounts.founding import create_owner
from echoic.compose import Components
from echoic.db.accounts import accounts
from echoic.errors import SettingInvalid
from echoic.plans import UNLIMITED

ACCOUNT_NAME = "Owner"
LIBRARY_SLUG = "my-library"
LIBRARY_NAME = "My library"
KEY_NAME = "This machine"


async def ensure_first_start(components: Components) -> str | None:
    """Make account, library, dataset and key of a new installation; return a key that was made, to be shown once.

    The key is kept in a file that only this account can read. Where that file is gone, the machine gets a new key.

    Raises DatabaseUnavailable, after which it may be called again, and SettingInvalid, as ``keep_key`` does.
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
                is_admin=True,
                library_slug=LIBRARY_SLUG,
                library_name=LIBRARY_NAME,
            )
        elif key_file.exists():
            return None
        _, key = await accounts.create_key(session, account_id=account.id, name=KEY_NAME)
    # After the commit: while the file is there no other key is made, so one that was never committed must not get there.
    keep_key(key_file, key)
    return key


def keep_key(path: Path, key: str) -> None:
    """Write a key to the file in which the commands of this machine look for it; only this account can read it.

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


def kept_key(path: Path) -> str | None:
    """Return the key that this machine's commands use, where there is one that this account may read."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
