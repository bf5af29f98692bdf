"""The folders of the embedded PostgreSQL, and the rules by which they are made."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from echoic import wording
from echoic.errors import DataDirUnusable
from echoic.postgres.account import Account
from echoic.postgres.launch import blocked_at
from echoic.settings import Settings

PORT = 5432
"""The port in the socket's file name; nothing listens on it."""

SOCKET_NAME = f".s.PGSQL.{PORT}"

MAX_SOCKET_PATH_BYTES = 103
"""The longest path of a socket: sockaddr_un holds 108 bytes on Linux, 104 on macOS, with the closing zero."""

# Others may pass through, for the account's sake, but not look around.
_PASSABLE = 0o711
_PRIVATE = 0o700


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The places below one data folder."""

    data_dir: Path
    home: Path
    """The folder of all that belongs to PostgreSQL's account, closed to all other accounts."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        data_dir = Path(os.path.realpath(settings.data_dir))
        return cls(data_dir=data_dir, home=Path(os.path.realpath(settings.postgres_dir)))

    @property
    def lock_file(self) -> Path:
        return self.data_dir / "echoic.lock"

    @property
    def programs(self) -> Path:
        """Copies of the programs. Outside of ``home``, so that the account cannot change what root may run."""
        return self.data_dir / "programs"

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def logs(self) -> Path:
        return self.home / "log"

    @property
    def entry(self) -> Path:
        """File that says which roles the server lets in."""
        return self.home / "hba.conf"

    @property
    def socket_record(self) -> Path:
        """File with the path of the socket's folder where that is not below ``home``."""
        return self.home / "socket-folder"

    def make_data_dir(self) -> None:
        """Make the data folder and its missing parents; raises DataDirUnusable."""
        try:
            missing = [folder for folder in (self.data_dir, *self.data_dir.parents) if not folder.exists()]
            for folder in reversed(missing):
                # Another process may start at the same time.
                folder.mkdir(_PASSABLE, exist_ok=True)
                if os.geteuid() == 0:
                    # Whatever the umask is, the account of PostgreSQL has to pass.
                    folder.chmod(_PASSABLE)
        except OSError as error:
            raise DataDirUnusable(
                f"The data folder {self.data_dir} cannot be made: {wording.os_reason(error)}."
            ) from error

    def make_home(self, account: Account | None) -> None:
        """Make ``home`` for the account; changes the mode of nothing that exists.

        Raises:
            DataDirUnusable: it cannot be made, or the account cannot get there.
        """
        try:
            if account and (blocking := blocked_at(self.home.parent, account)):
                raise DataDirUnusable(_closed_to(account, blocking, self.data_dir))
            self.home.mkdir(_PRIVATE, exist_ok=True)
            if account and self.home.stat().st_uid == 0:
                _give(self.home, account)
        except OSError as error:
            raise DataDirUnusable(f"The folder {self.home} cannot be made: {wording.os_reason(error)}.") from error

    def make_socket_folder(self, account: Account | None) -> Path:
        """Return the private folder of the socket. Where ``home`` lies too deep, it is one in the system's temporary folder.

        The same at every start for as long as it exists: others hold URLs that name it.
        """
        preferred = self.home / "socket"
        try:
            if _fits(preferred):
                return _make_private(preferred, account)
            recorded = _recorded(self.socket_record)
            if recorded is not None and (_is_private(recorded, account) or _made_again(recorded, account)):
                return recorded
            made = _make_short(account)
            replace_text(self.socket_record, str(made))
        except OSError as error:
            raise DataDirUnusable(f"No folder for the database's socket can be made: {error}.") from error
        return made

    def remove_short_socket_folder(self) -> None:
        """Remove our folder from the system's temporary folder; a folder that is not ours, or not empty, stays."""
        try:
            if (recorded := _recorded(self.socket_record)) is not None:
                recorded.rmdir()
                self.socket_record.unlink()
        except OSError:
            # The next start looks at what is recorded and takes it over or makes another.
            return


def _closed_to(account: Account, blocking: Path, data_dir: Path) -> str:
    mode = stat.S_IMODE(blocking.stat().st_mode)
    return (
        f"PostgreSQL runs as the account '{account.name}', which may not pass the folder {blocking} (mode {mode:04o}) "
        f"on the way to the data folder {data_dir}. Set ECHOIC_DATA_DIR to a folder it can reach, for example "
        f"/var/lib/echoic, or let it pass with 'chmod o+x {blocking}', or set ECHOIC_POSTGRES_ACCOUNT to an account "
        "that may."
    )


def _fits(folder: Path) -> bool:
    path = str(folder / SOCKET_NAME)
    # The server's setting and the client's URL are both lists, separated by commas.
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES and not set(path) & {",", '"'}


def _make_private(folder: Path, account: Account | None) -> Path:
    if not folder.exists():
        folder.mkdir(_PRIVATE)
        _give(folder, account)
    return folder


def _make_short(account: Account | None) -> Path:
    """Make a folder with a name that cannot be guessed, in the first temporary folder that the account can reach."""
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - mkdtemp below
        if account and blocked_at(Path(base), account):
            continue
        folder = Path(tempfile.mkdtemp(prefix="echoic-", dir=base))
        if _fits(folder):
            _give(folder, account)
            return folder
        folder.rmdir()
    raise FileNotFoundError("no temporary folder with a short path")


def _give(folder: Path, account: Account | None) -> None:
    if account:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def _recorded(record: Path) -> Path | None:
    try:
        descriptor = os.open(record, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape") as file:
        recorded = Path(file.read())
    # A full disk leaves the file empty.
    return recorded if recorded.is_absolute() else None


def _is_private(folder: Path, account: Account | None) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    owner = account.uid if account else os.geteuid()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == _PRIVATE


def _made_again(folder: Path, account: Account | None) -> bool:
    """Make the folder again where the system has cleaned its temporary folder; return whether it was made."""
    try:
        folder.mkdir(_PRIVATE)
    except OSError:
        return False
    _give(folder, account)
    return True


def replace_text(file: Path, text: str, account: Account | None = None) -> None:
    """Write a private file, at once and for the account where one is named. Raises OSError."""
    partial = file.with_name(f"{file.name}.new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as opened:
        opened.write(text)
        if account:
            os.fchown(descriptor, account.uid, account.gid)
    partial.replace(file)
