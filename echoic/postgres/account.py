"""The account that PostgreSQL runs as, since PostgreSQL refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from echoic.errors import DataDirUnusable, StartupFailed

FALLBACK_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of this machine to change to."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]

    @property
    def identity(self) -> str:
        """The account in the form that become.py takes."""
        return f"{self.uid}:{self.gid}:{','.join(map(str, self.groups))}"


def choose_account(configured: str | None, postgres_dir: Path) -> Account | None:
    """Return the account to change to, or None where this process keeps its own (every account but root does).

    A cluster that exists keeps the account it was made with, so that an account that appears on the machine later
    (``postgres``, with the system's package) does not lock it out.

    Raises:
        StartupFailed: the account does not exist, or is root.
        DataDirUnusable: the cluster belongs to another account.
    """
    owner = _owner_uid(postgres_dir)
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise DataDirUnusable(
                f"{postgres_dir} belongs to {_name(owner)}, not to the account this runs as. Run Echoic as it was run "
                "before, or set ECHOIC_DATA_DIR to another folder."
            )
        return None
    account = _by_name(configured) if configured else _by_uid(owner) if owner else _first_of(FALLBACK_ACCOUNTS)
    if owner not in (None, 0, account.uid):
        raise DataDirUnusable(
            f"{postgres_dir} belongs to {_name(owner)}, but PostgreSQL is to run as {account.name}. Set "
            f"ECHOIC_POSTGRES_ACCOUNT to {_name(owner)}, or stop Echoic and give the folder away with "
            f"'chown -R {account.name} {postgres_dir}'."
        )
    return account


def _owner_uid(folder: Path) -> int | None:
    try:
        return folder.lstat().st_uid
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataDirUnusable(f"{folder} cannot be looked at: {error.strerror}.") from error


def _by_name(name: str) -> Account:
    try:
        return _account(pwd.getpwnam(name))
    except KeyError as error:
        raise StartupFailed(
            f"There is no account '{name}' on this machine, as which PostgreSQL is to run (ECHOIC_POSTGRES_ACCOUNT)."
        ) from error


def _by_uid(uid: int) -> Account:
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError as error:
        raise StartupFailed(
            f"The database belongs to the account with number {uid}, which does not exist on this machine; PostgreSQL "
            "needs it to exist. Create it, or give the database to another account with 'chown -R'."
        ) from error


def _first_of(names: tuple[str, ...]) -> Account:
    for name in names:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise StartupFailed(
        f"PostgreSQL does not run as root, and this machine has no account {' or '.join(names)}. Set "
        "ECHOIC_POSTGRES_ACCOUNT to an account that it may run as."
    )


def _account(entry: pwd.struct_passwd) -> Account:
    if entry.pw_uid == 0:
        raise StartupFailed(f"PostgreSQL does not run as {entry.pw_name}; set ECHOIC_POSTGRES_ACCOUNT to another one.")
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, groups=tuple(groups))


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return f"the account with number {uid}"
