"""Verification of a model's files: every byte is read and hashed."""

from dataclasses import dataclass
from typing import Literal

from echoic.engines.models import hub, mirror
from echoic.engines.models.find import Located
from echoic.engines.models.model import Model
from echoic.engines.models.packaged import sha256_of

FileState = Literal["ok", "damaged", "missing", "not pinned"]
"""``not pinned``: there is nothing to compare with, as for a model of the operator's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedFile:
    """The result of checking one file."""

    name: str
    state: FileState
    sha256: str | None
    """The digest of the present file, in hexadecimal."""

    @property
    def is_good(self) -> bool:
        return self.state in ("ok", "not pinned")


def verify(model: Model, located: Located) -> tuple[CheckedFile, ...]:
    """Hash each file: against what is pinned for packages, against the hub's own digests for what came from there.

    A file in the operator's folder counts as ``ok`` where any pinned file of its name has its content, and is never
    ``damaged``: it may be another conversion.
    """
    if located.packaged is None:
        return tuple(_own(model, located, name) for name in located.files)
    checked = []
    for file in located.packaged.files:
        path = located.files.get(file.name)
        digest = sha256_of(path) if path is not None else None
        state: FileState = "missing" if digest is None else "ok" if digest == file.sha256 else "damaged"
        checked.append(CheckedFile(name=file.name, state=state, sha256=digest))
    return tuple(checked)


def _own(model: Model, located: Located, name: str) -> CheckedFile:
    digest = sha256_of(located.files[name])
    if located.source == "mirror" and (listed := mirror.listed_digests(located.place).get(name)) is not None:
        return CheckedFile(name=name, state="ok" if digest == listed else "damaged", sha256=digest)
    known = {file.sha256 for packaged in model.packaged for file in packaged.files if file.name == name}
    if digest in known:
        return CheckedFile(name=name, state="ok", sha256=digest)
    as_fetched = hub.is_as_fetched(located.files[name], digest) if located.source == "hub" else None
    state: FileState = "not pinned" if as_fetched is None else "ok" if as_fetched else "damaged"
    return CheckedFile(name=name, state=state, sha256=digest)
