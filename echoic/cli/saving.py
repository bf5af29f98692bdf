"""Files that a verb writes. A file is written whole or not at all, and replaces another one only on request."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

import httpx
import typer

from echoic.cli.connection import CommandFailed, ExitCode
from echoic.cli.names import shown
from echoic.intake.file_names import base_name


def _named(text: str) -> Path:
    if not text:  # Path("") is the folder one stands in
        raise typer.BadParameter("the name is empty; give a file or a folder")
    # Path drops the stroke, and a file would get the folder's name.
    if text.endswith(os.sep) and not Path(text).is_dir():
        raise typer.BadParameter(f"there is no folder {shown(text)}; make it first, or give a file")
    return Path(text)


OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="File to write, or a folder: in it, the item's title names the file.",
        parser=_named,
        metavar="PATH",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]

_NAMED_IN_HEADER = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)


def place_of(output: Path, answer: httpx.Response, *, otherwise: str) -> Path:
    """Return the path to write to.

    In a folder, the file gets the name that the answer gives (RFC 6266), else another.
    """
    if not output.is_dir():
        return output
    named = _NAMED_IN_HEADER.search(answer.headers.get("Content-Disposition", ""))
    # A server may choose a name in the folder, but no path.
    name = base_name(shown(unquote(named[1]))).lstrip(".") if named else ""
    return output / (name or otherwise)


def check_output(output: Path, *, force: bool) -> None:
    """Raise CommandFailed where the file is there already and may not be written over."""
    if output.is_file() and not force:
        raise CommandFailed(ExitCode.REFUSED, f"{shown(output)} is there already; --force writes over it.")


def save(output: Path, pieces: Iterable[bytes], *, force: bool) -> None:
    """Write a file; a device or a pipe takes the bytes as they are.

    Raises CommandFailed where it is there already, or cannot be written, and what ``pieces`` raises; then what was there
    before is still there.
    """
    try:
        if output.exists() and not output.is_file():
            with output.open("wb") as device:
                device.writelines(pieces)
            return
        _write(output.resolve(), pieces, force=force)
    except FileExistsError as error:
        raise CommandFailed(ExitCode.REFUSED, f"{shown(output)} is there already; --force writes over it.") from error
    except OSError as error:
        raise CommandFailed(ExitCode.REFUSED, f"Cannot write {shown(output)}: {error.strerror}.") from error


def _write(path: Path, pieces: Iterable[bytes], *, force: bool) -> None:
    """Write beside the old file and replace it once all bytes are on the disk; remove a new file that is cut short."""
    target = path.with_name(f".echoic-{os.getpid()}.part") if force else path
    with target.open("xb") as file:
        is_whole = False
        try:
            file.writelines(pieces)
            file.flush()
            target.replace(path)
            is_whole = True
        finally:
            if not is_whole:
                target.unlink()
