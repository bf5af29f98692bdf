"""``python -m echoic`` and the command ``echoic``."""

import os
import sys
from pathlib import Path
from typing import TextIO

from echoic.cli import app

EXIT_FAILED = 1


def main() -> None:
    """Run the command line. What the terminal cannot show is written as an escape, and a full disk is a sentence."""
    # Python has no stream at all where the caller closed it, as a shell does by `>&-`: what is said then goes nowhere.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding than UTF-8 must not end a command in the middle of its answer.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a test's stand-in is no text file
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        # Whatever a command does not expect of files or of its own output: a full disk, a closed terminal.
        place = f"{error.filename}: " if error.filename else ""
        _say(sys.stderr, f"echoic: {place}{error.strerror or error}.\n")
        _drop(sys.stdout)
        raise SystemExit(EXIT_FAILED) from None


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _say(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _drop(stream: TextIO) -> None:
    """Let nothing more be written: Python would try once more at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
