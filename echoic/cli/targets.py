"""What ``echoic upload`` is pointed at: files, folders, patterns and URLs become a list of things to upload."""

import glob
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from echoic.cli.connection import CommandFailed, ExitCode

PATTERN_SIGNS = "*?["


def find_targets(named: Sequence[str], allowed_formats: Collection[str]) -> list[Path | str]:
    """Files as paths and URLs as text, each once, in the order named.

    A folder stands for the files in it, at any depth, that have an allowed extension; a pattern (``**`` goes into
    folders) for the files that match.

    Raises CommandFailed where something named is not there, or stands for nothing.
    """
    found: dict[Path | str, None] = {}
    for name in named:
        targets = list(_targets(name, allowed_formats))
        if not targets:
            formats = ", ".join(sorted(allowed_formats))
            raise CommandFailed(ExitCode.REFUSED, f"There is nothing to upload at {name}; allowed formats: {formats}.")
        found.update(dict.fromkeys(targets))
    return list(found)


def _targets(name: str, allowed_formats: Collection[str]) -> Iterator[Path | str]:
    if name.lower().startswith(("https://", "http://")):
        yield name
        return
    path = Path(name)
    if path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_file() and _allowed(file, allowed_formats))
    elif path.exists():
        yield path
    elif any(sign in name for sign in PATTERN_SIGNS):
        matches = glob.glob(name, recursive=True)  # noqa: PTH207 -- paths refuse patterns that begin at the root
        yield from (Path(match) for match in sorted(matches) if Path(match).is_file())
    else:
        raise CommandFailed(ExitCode.REFUSED, f"There is no file {name}.")


def _allowed(file: Path, formats: Collection[str]) -> bool:
    return file.suffix.lower().removeprefix(".") in formats
