"""Names of files in a watched place: which are recordings to be, and what lies beside one. Pure."""

import fnmatch
import hashlib
import os
from collections.abc import Sequence

from echoic.intake.system_folders import is_of_system

SIDECAR = ".json"
"""Behind a file's name: the metadata that somebody gives it."""
MARK = ".echoic.json"
"""Behind a file's name: what says that it was taken."""
ERROR = ".error.txt"
"""Behind a file's name: what says why it was not."""
DONE_FOLDER = "done"
"""Where a source's taken files are moved to; it is not looked into."""

MAX_NAME_BYTES = 255
"""Of a name on the file systems of Linux and macOS; longer ones cannot be written."""

_TEMPORARY = (
    *(".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".opdownload", ".filepart", ".writing"),
    *(".inprogress", ".uploading", ".!ut", ".aria2", ".swp", ".lock", ".lck", "~"),
)
"""Ends of names that programs give to what they have not finished."""
_NEVER = frozenset({"thumbs.db", "desktop.ini", "icon\r"})


def is_candidate(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a file is to be taken in, by its name alone; without patterns every other is."""
    plain = name.lower()
    if name.startswith((".", "~$")) or plain in _NEVER or plain.endswith((*_TEMPORARY, SIDECAR, ERROR)):
        return False
    return not patterns or any(fnmatch.fnmatchcase(plain, pattern.lower()) for pattern in patterns)


def is_looked_into(name: str, *, is_top: bool) -> bool:
    """Return whether a folder within a source is looked into."""
    return not (name.startswith(".") or is_of_system(name) or (is_top and name.lower() == DONE_FOLDER))


def beside(path: str, ending: str) -> str:
    """Return the path of what is written beside a file. A name that would be too long is cut, and told apart by a digest."""
    folder, slash, name = path.rpartition("/")
    whole = os.fsencode(name)
    if len(whole) + len(ending) <= MAX_NAME_BYTES:
        return f"{path}{ending}"
    digest = f"~{hashlib.sha256(whole).hexdigest()[:8]}"
    return f"{folder}{slash}{_cut(name, MAX_NAME_BYTES - len(digest) - len(ending))}{digest}{ending}"


def in_done_folder(path: str, file_id: int | None = None) -> str:
    """Return where a file is moved to; with the id of its row where another has that name already."""
    if file_id is None:
        return f"{DONE_FOLDER}/{path}"
    folder, slash, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    stem, ending = (stem, f".{file_id}.{extension}") if dot and stem else (name, f".{file_id}")
    room = max(0, MAX_NAME_BYTES - len(os.fsencode(ending)))
    return f"{DONE_FOLDER}/{folder}{slash}{_cut(stem, room)}{ending}"


def _cut(name: str, max_bytes: int) -> str:
    """Return the beginning of a name, in whole characters."""
    while len(os.fsencode(name)) > max_bytes:
        name = name[:-1]
    return name
