"""Blocking calls on a folder of this machine, none of which leaves it: no symbolic link is followed below its root.

Every folder on the way to a file is opened by its descriptor, so that a link which somebody puts there meanwhile leads
nowhere. Errors are those of the system.
"""

import errno
import os
import stat
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from echoic.intake.file_names import fault_of_name
from echoic.sources.watched.names import SIDECAR, in_done_folder, is_candidate, is_looked_into
from echoic.sources.watched.place import BATCH, FileChanged, Found

MAX_DEPTH = 32
"""Folders within folders; deeper ones are not looked into."""
SCANNED = 5000
"""Names that are read in one call at most."""
NEW_FILE_MODE = 0o664
NEW_FOLDER_MODE = 0o775
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Tree:
    """The folder ``below`` within ``root``; the root itself is the operator's and may be a link."""

    def __init__(self, root: Path, below: str) -> None:
        self._root = root
        self._below = tuple(part for part in below.split("/") if part)

    @contextmanager
    def opened(self, folder: str = "", *, makes: bool = False) -> Iterator[int]:
        """Hold the descriptor of a folder in the tree; ``makes`` those that are missing in it."""
        descriptor = os.open(self._root, _FOLDER)
        try:
            inner = tuple(part for part in folder.split("/") if part)
            for number, part in enumerate((*self._below, *inner)):
                if makes and number >= len(self._below):
                    _make_folder(part, descriptor)
                deeper = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = deeper
            yield descriptor
        finally:
            os.close(descriptor)

    def scan(self, *, recursive: bool, patterns: list[str]) -> Generator[list[Found], None, None]:
        """Yield what may be taken, at most ``BATCH`` files at once, after at most ``SCANNED`` names."""
        folders = [""]
        while folders:
            folder = folders.pop()
            try:
                yield from self._scan_folder(folder, folders, recursive=recursive, patterns=patterns)
            except FileNotFoundError:
                if not folder:
                    raise
                # It went meanwhile: the others count.
            except OSError as error:
                if not folder:
                    raise
                yield [_passed_over(folder, f"cannot be read: {error.strerror or 'it cannot be opened'}")]

    def _scan_folder(
        self, folder: str, folders: list[str], *, recursive: bool, patterns: list[str]
    ) -> Iterator[list[Found]]:
        found: list[Found] = []
        with self.opened(folder) as descriptor, os.scandir(descriptor) as entries:
            for number, entry in enumerate(entries, start=1):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not recursive or not is_looked_into(entry.name, is_top=not folder):
                        continue
                    if (fault := _fault_of_folder(path)) is None:
                        folders.append(path)
                    else:
                        found.append(_passed_over(path, fault))
                elif is_candidate(entry.name, patterns) and (seen := _seen(entry, path)) is not None:
                    found.append(seen)
                if len(found) >= BATCH or number % SCANNED == 0:
                    yield found
                    found = []
        yield found

    def open_file(self, path: str, fingerprint: str) -> int:
        """Return the descriptor of a file, open for reading. Raises FileChanged."""
        with self.opened(_folder(path)) as folder:
            descriptor = os.open(_name(path), _FILE, dir_fd=folder)
        try:
            require_same(descriptor, fingerprint)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def read_small(self, path: str, max_bytes: int) -> bytes:
        """Return the first bytes of a file."""
        with self.opened(_folder(path)) as folder:
            descriptor = os.open(_name(path), _FILE, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            return os.read(descriptor, max_bytes)
        finally:
            os.close(descriptor)

    def fingerprint(self, path: str) -> str | None:
        """Return what a file is known by; None where there is none, as where its name is too long for one."""
        try:
            with self.opened(_folder(path)) as folder:
                return fingerprint_of(os.stat(_name(path), dir_fd=folder, follow_symlinks=False))
        except OSError as error:
            if not _is_missing(error):
                raise
            return None

    def put(self, path: str, content: bytes) -> None:
        """Write a small file under a hidden name, then rename it, so that nobody sees half of it."""
        hidden = f".{uuid.uuid4().hex}.part"
        with self.opened(_folder(path)) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(hidden, flags, NEW_FILE_MODE, dir_fd=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(hidden, _name(path), src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                os.unlink(hidden, dir_fd=folder)
                raise

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""
        with _may_be_missing(), self.opened(_folder(path)) as folder:
            os.unlink(_name(path), dir_fd=folder)

    def move(self, path: str, fingerprint: str, file_id: int) -> None:
        """Move a file with its metadata into the folder of what is done. Raises FileChanged for another file in its place."""
        now = self.fingerprint(path)
        if now is None:
            return
        if now != fingerprint:
            raise FileChanged
        target = in_done_folder(path)
        with self.opened(_folder(target), makes=True) as done, self.opened(_folder(path)) as folder:
            name = _name(target) if _is_free(_name(target), done) else _name(in_done_folder(path, file_id))
            # The metadata first: whoever is killed between the two finds the file here, and the same name free.
            with _may_be_missing():
                os.rename(f"{_name(path)}{SIDECAR}", f"{name}{SIDECAR}", src_dir_fd=folder, dst_dir_fd=done)
            os.rename(_name(path), name, src_dir_fd=folder, dst_dir_fd=done)
            # Another recording may have got the name since it was looked at; it is to be taken in yet.
            if fingerprint_of(os.stat(name, dir_fd=done, follow_symlinks=False)) != fingerprint:
                if _is_free(_name(path), folder):
                    os.rename(name, _name(path), src_dir_fd=done, dst_dir_fd=folder)
                raise FileChanged

    def require_readable(self) -> None:
        """Raise the system's error where the folder cannot be listed."""
        with self.opened() as descriptor, os.scandir(descriptor) as entries:
            next(entries, None)

    def require_writable(self) -> None:
        """Raise the system's error where nothing can be written."""
        hidden = f".{uuid.uuid4().hex}.part"
        self.put(hidden, b"")
        self.remove(hidden)


def require_same(descriptor: int, fingerprint: str) -> None:
    """Raise FileChanged where an open file is not, or no longer, the one of the fingerprint."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or fingerprint_of(status) != fingerprint:
        raise FileChanged


def fingerprint_of(status: os.stat_result) -> str:
    """Return size and modification time, in nanoseconds, as one text."""
    return f"{status.st_size}:{status.st_mtime_ns}"


def _seen(entry: "os.DirEntry[str]", path: str) -> Found | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # it went meanwhile
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return None
    fault = _fault(path)
    return Found(
        path=path,
        fingerprint=fingerprint_of(status),
        size_bytes=status.st_size,
        modified_at=datetime.fromtimestamp(min(max(status.st_mtime, 0.0), 4e9), UTC),
        fault=None if fault is None else f"The file's name {fault}; give it another one.",
    )


def _passed_over(folder: str, why: str) -> Found:
    """A folder that is not looked into, as a line of its own among the files: else nobody would know."""
    return Found(
        path=folder,
        fingerprint="folder",
        size_bytes=0,
        modified_at=datetime.fromtimestamp(0, UTC),
        fault=f"The folder {why}; nothing in it is taken.",
    )


def _fault_of_folder(path: str) -> str | None:
    if path.count("/") >= MAX_DEPTH:
        return f"lies deeper than {MAX_DEPTH} folders"
    fault = _fault(path)
    return None if fault is None else f"has a name that {fault}"


def _fault(path: str) -> str | None:
    """Return what is wrong with a name, as the end of a sentence; None for a good one."""
    if any("\ud800" <= character <= "\udfff" for character in path):
        return "is not encoded in UTF-8"
    return fault_of_name(path)


@contextmanager
def _may_be_missing() -> Iterator[None]:
    """Pass over that there is no file of a name, or can be none."""
    try:
        yield
    except OSError as error:
        if not _is_missing(error):
            raise


def _is_missing(error: OSError) -> bool:
    return error.errno in (errno.ENOENT, errno.ENAMETOOLONG)


def _make_folder(name: str, parent: int) -> None:
    try:
        os.mkdir(name, NEW_FOLDER_MODE, dir_fd=parent)
    except FileExistsError:
        return


def _is_free(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return True
    return False


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
