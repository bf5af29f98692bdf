"""Model weights that installed packages carry, joined once into the cache folder and checked by SHA-256.

Packages hold a model in parts because registries limit the size of a file. They are other people's uploads: what is not
byte for byte the pinned content is not used. Several processes may ask at the same time; one joins, the others wait.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COPY_BYTES = 1_048_576
SHA256_DIGITS = 64
JOINING_PREFIX = ".joining-"
STAMP_NAME = ".verified.json"


class ContentMismatch(Exception):
    """A package does not hold what was pinned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackagedFile:
    """A file of a model: where its bytes lie, and what they must be."""

    name: str
    parts: tuple[tuple[str, str], ...]
    """Import name of a package and path inside it, in the order in which they are joined."""
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PackagedModel:
    """One conversion of a model, as some packages carry it."""

    folder: str
    files: tuple[PackagedFile, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(package for file in self.files for package, _ in file.parts))

    @property
    def installed(self) -> bool:
        return all(_package_dir(package) is not None for package in self.packages)

    @property
    def in_place(self) -> bool:
        """Return whether its files are used where the packages have them; else they are joined into the cache folder."""
        return all(len(file.parts) == 1 for file in self.files)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def packaged_dir(sources: Sequence[PackagedModel], cache_dir: Path) -> Path | None:
    """Return the folder with the joined model: the cached one where it is intact, else made from the packages.

    None where it is neither cached nor installed. Raises ``ContentMismatch`` where packages are installed but none
    holds what was pinned, and ``OSError``.
    """
    for model in sources:
        if _intact(model, cache_dir / model.folder):
            return cache_dir / model.folder
    mismatch: ContentMismatch | None = None
    for model in sources:
        if not model.installed:
            continue
        try:
            return _join(model, cache_dir)
        except ContentMismatch as error:
            mismatch = error
    if mismatch is not None:
        raise mismatch
    return None


def file_in_package(package: str, path: str) -> Path:
    """Return a data file of an installed package, found without running its code. Raises ``ContentMismatch``."""
    folder = _package_dir(package)
    if folder is None or not (folder / path).is_file():
        raise ContentMismatch(f"{path} is missing from {package}")
    return folder / path


def paths_in_place(model: PackagedModel) -> dict[str, Path]:
    """Find the files of a model that is used in place, by their names. Raises ``ContentMismatch``."""
    return {file.name: file_in_package(*file.parts[0]) for file in model.files}


def sha256_of(path: Path) -> str:
    """Return the digest of a file's content, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _join(model: PackagedModel, cache_dir: Path) -> Path:
    folder = cache_dir / model.folder
    cache_dir.mkdir(parents=True, exist_ok=True)
    with locked(cache_dir / ".lock"):
        # Another process may have made it while this one waited.
        if _intact(model, folder):
            return folder
        for remains in cache_dir.glob(f"{JOINING_PREFIX}*"):
            shutil.rmtree(remains)
        joining = cache_dir / f"{JOINING_PREFIX}{uuid.uuid4().hex}"
        joining.mkdir()
        try:
            for file in model.files:
                _join_file(file, joining / file.name)
            _stamp(model, joining)
            if folder.exists():
                shutil.rmtree(folder)
            joining.rename(folder)
        except BaseException:
            shutil.rmtree(joining, ignore_errors=True)
            raise
        _sync(cache_dir)
    return folder


def _join_file(file: PackagedFile, target: Path) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for package, path in file.parts:
            with file_in_package(package, path).open("rb") as part:
                while chunk := part.read(COPY_BYTES):
                    digest.update(chunk)
                    out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != file.sha256:
        raise ContentMismatch(f"{file.name} of {', '.join(sorted({package for package, _ in file.parts}))}")


def _intact(model: PackagedModel, folder: Path) -> bool:
    """Return whether the folder holds the pinned content; hashes it only where its files were touched since the last time."""
    try:
        if any((folder / file.name).stat().st_size != file.size_bytes for file in model.files):
            return False
        if _read_stamp(folder) == _fingerprint(model, folder):
            return True
        for file in model.files:
            if sha256_of(folder / file.name) != file.sha256:
                return False
        _stamp(model, folder)
    except FileNotFoundError:
        return False
    return True


def _fingerprint(model: PackagedModel, folder: Path) -> dict[str, list[object]]:
    stats = {file: (folder / file.name).stat() for file in model.files}
    return {file.name: [file.sha256, stat.st_size, stat.st_mtime_ns] for file, stat in stats.items()}


def _read_stamp(folder: Path) -> object:
    try:
        return json.loads((folder / STAMP_NAME).read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _stamp(model: PackagedModel, folder: Path) -> None:
    temporary = folder / f"{STAMP_NAME}.{uuid.uuid4().hex}"
    temporary.write_text(json.dumps(_fingerprint(model, folder)), encoding="ascii")
    temporary.replace(folder / STAMP_NAME)
    _sync(folder)


def _package_dir(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock among the processes of this machine; it falls with the process that holds it."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
