"""The addresses of unfinished uploads, in a file of the user, so that the same command can resume them."""

import json
import os
from pathlib import Path

from echoic.cli.connection import user_folder
from echoic.cli.names import shown
from echoic.cli.output import remark


def state_file() -> Path:
    """``uploads.json`` in the user's XDG state folder: the addresses of unfinished uploads."""
    return user_folder("XDG_STATE_HOME", ".local/state") / "uploads.json"


class Unfinished:
    """The addresses of uploads that were begun, by what identifies the file and where it goes.

    A file that cannot be read or written costs a new beginning after a break, which is said once, and nothing else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_usable = True

    def find(self, name: str) -> str | None:
        """Return the address of the unfinished upload with this name; None if there is none.

        The name identifies the file, the server and the dataset.
        """
        return self._read().get(name)

    def keep(self, name: str, address: str | None) -> None:
        """Remember an upload, or forget it."""
        known = self._read()
        if address is None and name not in known:
            return
        if address is None:
            del known[name]
        else:
            known[name] = address
        try:
            self._write(known)
        except OSError as error:
            self._give_up(error)

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        except OSError as error:
            self._give_up(error)
            return {}
        return dict(known) if isinstance(known, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(f".{os.getpid()}")
        try:
            partial.write_text(json.dumps(known, indent=1), encoding="ascii")
            partial.replace(self._path)
        finally:
            partial.unlink(missing_ok=True)

    def _give_up(self, error: OSError) -> None:
        if self._is_usable:
            remark(f"{shown(self._path)}: {error.strerror}; an upload that is broken off cannot be taken up again")
        self._is_usable = False
