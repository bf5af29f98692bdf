"""The arguments of ``echoic upload``: files, folders, patterns and URLs become a list of things to upload.

What a folder holds beside recordings is passed over and counted: hidden files and folders, recycle bins, and what
systems leave on disks, none of which anybody means by naming the folder.
"""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from echoic.cli.connection import CommandFailed, ExitCode
from echoic.cli.names import shown
from echoic.intake.system_folders import is_of_system
from echoic.wording import counted

PATTERN_SIGNS = "*?["
ANY_DEPTH = "**"
_STARS = re.compile(r"\*{2,}")
HIDDEN_SIGN = "."


@dataclass(kw_only=True)
class Targets:
    """The things to upload, and counts of the files in the named folders that are left out."""

    found: list[Path | str] = field(default_factory=list)
    """Files as paths and URLs as text, each once, in the order named."""
    hidden: int = 0
    """The number of hidden files and folders, recycle bins and system folders; files in such folders do not count."""
    of_other_formats: int = 0
    linked: int = 0
    """The number of folders that are links: they may lead anywhere, also to a folder above."""
    dead_links: int = 0
    """The number of links that lead to nothing."""
    devices: int = 0
    """The number of pipes, sockets and devices, whose reading may never end."""
    unreadable: list[Path] = field(default_factory=list)
    refused: dict[str, CommandFailed] = field(default_factory=dict)
    """Why nothing can be uploaded of something that was named, by its name."""

    def remarks(self) -> Iterator[str]:
        """Return a sentence for each kind of file that was left out."""
        if self.hidden:
            yield f"{counted(self.hidden, 'hidden or system entry', 'hidden or system entries')} passed over; name one to upload it"
        if self.of_other_formats:
            yield f"{counted(self.of_other_formats, 'file')} of other formats passed over"
        if self.linked:
            yield f"{counted(self.linked, 'linked folder')} passed over; name one to upload what is in it"
        if self.dead_links:
            yield f"{counted(self.dead_links, 'link to nothing', 'links to nothing')} passed over"
        if self.devices:
            yield f"{counted(self.devices, 'pipe or device', 'pipes or devices')} passed over"
        for path in self.unreadable:
            yield f"{shown(path)}: cannot be read, passed over"

    def note_no_file(self, path: Path) -> None:
        """Count something that is neither file nor folder."""
        if path.exists():
            self.devices += 1
        elif path.is_symlink():
            self.dead_links += 1


def find_targets(named: Sequence[str], allowed_formats: Collection[str]) -> Targets:
    """Return the things that the names stand for.

    A folder stands for the files in it, at any depth, that have an allowed extension; a pattern (``**`` goes into
    folders, but not into linked ones) for the files that match, those in folders of systems excepted. A hidden file or folder is taken where it is itself named.

    What is not there or stands for nothing is among the refused, and keeps nothing else from being uploaded.

    Raises CommandFailed where that leaves nothing.
    """
    targets = Targets()
    found: dict[Path | str, None] = {}
    for name in named:
        try:
            found.update(dict.fromkeys(_of_name(name, allowed_formats, targets)))
        except CommandFailed as error:
            targets.refused[name] = error
    if not found:
        raise next(iter(targets.refused.values()))
    targets.found = list(found)
    return targets


def _of_name(name: str, allowed_formats: Collection[str], targets: Targets) -> list[Path | str]:
    found = list(_targets(name, allowed_formats, targets))
    if not found:
        raise CommandFailed(ExitCode.REFUSED, " ".join((_nothing_at(name, allowed_formats), *_because(targets))))
    return found


def _targets(name: str, allowed_formats: Collection[str], targets: Targets) -> Iterator[Path | str]:
    if name.lower().startswith(("https://", "http://")):
        yield name
        return
    if not name:  # Path("") is the folder one stands in: an empty variable of a script would upload all of it
        raise CommandFailed(ExitCode.REFUSED, "One of the names is empty; give a file, a folder, a pattern or a URL.")
    path = Path(name)
    if path.is_dir():
        yield from _in_folder(path, allowed_formats, targets)
    elif path.is_file():
        yield path
    elif path.exists():  # a pipe would be waited for without end, a device has no length
        raise CommandFailed(ExitCode.REFUSED, f"{shown(name)} is a pipe or a device; give a file.")
    elif any(sign in name for sign in PATTERN_SIGNS):
        yield from _matching(name, targets)
    else:
        raise CommandFailed(ExitCode.REFUSED, f"There is no file {shown(name)}.")


def _matching(pattern: str, targets: Targets) -> list[Path]:
    """Return the files that match. A sign stands for hidden names after a dot alone, and for no system folder."""
    whole = Path(pattern)
    start = Path(whole.anchor)
    # Two stars have a meaning of their own only where nothing stands beside them, and at the end not in every Python.
    parts = [part if part == ANY_DEPTH else _STARS.sub("*", part) for part in whole.parts[len(start.parts) :]]
    rest = "/".join([*parts, *(["*"] if parts[-1] == ANY_DEPTH else [])])
    of_dots = [part for part in parts if part.startswith(HIDDEN_SIGN)]
    found: list[Path] = []
    passed_over: set[Path] = set()
    # Not glob.glob, which follows links: one that leads to a folder above is walked without end.
    for path in sorted(set(start.glob(rest))):
        if any(part.startswith(HIDDEN_SIGN) and not _fits(part, of_dots) for part in path.parts):
            continue
        of_system = [n for n, part in enumerate(path.parts, 1) if is_of_system(part) and part not in whole.parts]
        if of_system:
            passed_over.add(Path(*path.parts[: of_system[0]]))
        elif path.is_file():
            found.append(path)
        elif not path.is_dir():
            targets.note_no_file(path)
    targets.hidden += len(passed_over)
    return found


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _in_folder(folder: Path, allowed_formats: Collection[str], targets: Targets) -> list[Path]:
    found: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: targets.unreadable.append(Path(error.filename))):
        visible = [name for name in folders if not _is_hidden(name)]
        targets.hidden += len(folders) - len(visible)
        folders[:] = [name for name in visible if not Path(place, name).is_symlink()]
        targets.linked += len(visible) - len(folders)
        for name in files:
            path = Path(place, name)
            if _is_hidden(name):
                targets.hidden += 1
            elif not path.is_file():
                targets.note_no_file(path)
            elif _allowed(path, allowed_formats):
                found.append(path)
            else:
                targets.of_other_formats += 1
    return sorted(found)


def _is_hidden(name: str) -> bool:
    return name.startswith(HIDDEN_SIGN) or is_of_system(name)


def _allowed(file: Path, formats: Collection[str]) -> bool:
    return file.suffix.lower().removeprefix(".") in formats


def _nothing_at(name: str, allowed_formats: Collection[str]) -> str:
    formats = ", ".join(sorted(allowed_formats))
    return f"There is nothing to upload at {shown(name)}; allowed formats: {formats}."


def _because(targets: Targets) -> Iterator[str]:
    return (f"{remark[:1].upper()}{remark[1:]}." for remark in targets.remarks())
