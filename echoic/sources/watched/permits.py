"""The operator's word on which places may be watched: folders below given roots, and buckets by name, each for given libraries.

Where no library is named, sources may be made by administrators of the installation alone: else everybody with a library
could read what lies there.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from echoic import wording
from echoic.errors import SettingInvalid, SourceNotAllowed
from echoic.settings import Settings
from echoic.sources.watched.bucket import BucketPlace
from echoic.sources.watched.folder import FolderPlace
from echoic.sources.watched.place import Place
from echoic.storage.file_calls import FileCalls
from echoic.storage.remote import open_store

MAX_PLACE_CHARACTERS = 1000
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SLUG = re.compile(r"[a-z0-9-]{1,64}")
_REFUSED = (
    "Recordings of this library may not be taken from there. The operator of the server allows folders by ECHOIC_WATCH_ROOTS "
    "and buckets by ECHOIC_WATCH_BUCKETS_FILE (docs/folders.md)."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A bucket or a part of one, with what its vendor wants to know."""

    url: str
    options: Mapping[str, str] = field(repr=False)
    libraries: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """The account and the library that a source is for."""

    library: str
    is_admin: bool

    def may(self, libraries: frozenset[str]) -> bool:
        """Return whether a place for these libraries is open to it."""
        return self.is_admin or self.library in libraries


class Permits:
    """The places that may be watched."""

    def __init__(self, settings: Settings) -> None:
        """Read the settings. Raises SettingInvalid."""
        self._roots = _roots(settings.watch_roots)
        self._buckets_file = settings.watch_buckets_file
        self._data_dir = settings.data_dir.absolute()
        self._calls = FileCalls()

    @cached_property
    def buckets(self) -> Mapping[str, Bucket]:
        """The operator's buckets, read when they are first asked for: workers need none. Raises SettingInvalid."""
        return _buckets(self._buckets_file)

    def require_readable(self) -> None:
        """Raise SettingInvalid where the operator's file cannot be read, or not be used."""
        self.buckets.keys()

    def folders_for(self, asker: Asker) -> list[str]:
        """Return the roots below which there may be sources."""
        return sorted(str(root) for root, libraries in self._roots.items() if asker.may(libraries))

    def buckets_for(self, asker: Asker) -> list[str]:
        """Return the names of the buckets in which there may be sources."""
        return sorted(name for name, bucket in self.buckets.items() if asker.may(bucket.libraries))

    def folder(self, path: str, asker: Asker) -> FolderPlace:
        """Return a folder. Raises SourceNotAllowed, the same whatever lies there; nothing is looked at."""
        wanted = PurePosixPath(path)
        if not wanted.is_absolute() or ".." in wanted.parts or "\0" in path or self._is_own(wanted):
            raise SourceNotAllowed(_REFUSED)
        for root, libraries in self._roots.items():
            if asker.may(libraries) and wanted.is_relative_to(root):
                return FolderPlace(root, str(wanted.relative_to(root)).removeprefix("."), self._calls)
        raise SourceNotAllowed(_REFUSED)

    def bucket(self, name: str, prefix: str, asker: Asker) -> BucketPlace:
        """Return a prefix in a bucket. Raises SourceNotAllowed."""
        bucket = self.buckets.get(name)
        parts = prefix.split("/")
        if bucket is None or not asker.may(bucket.libraries) or ".." in parts or "." in parts:
            raise SourceNotAllowed(_REFUSED)
        url = "/".join([bucket.url.rstrip("/"), *filter(None, parts)])
        try:
            return BucketPlace(open_store(url, named="url", options=bucket.options))
        except SettingInvalid as error:
            raise SourceNotAllowed("There can be no such part of a bucket.") from error

    def place(self, *, folder: str | None, bucket: str | None, prefix: str, asker: Asker) -> Place:
        """Return the one of both that is named. Raises SourceNotAllowed."""
        return self.folder(folder, asker) if folder is not None else self.bucket(bucket or "", prefix, asker)

    def _is_own(self, wanted: PurePosixPath) -> bool:
        """Return whether a folder holds the server's own data, or lies in it."""
        return wanted.is_relative_to(self._data_dir) or self._data_dir.is_relative_to(wanted)


def _roots(given: tuple[str, ...]) -> dict[Path, frozenset[str]]:
    roots: dict[Path, frozenset[str]] = {}
    for one in given:
        path, _, library = one.rpartition("=") if _SLUG.fullmatch(one.rpartition("=")[2]) else (one, "", "")
        root = PurePosixPath(path)
        if not root.is_absolute() or ".." in root.parts:
            raise SettingInvalid(
                "ECHOIC_WATCH_ROOTS: each must be the whole path of a folder, as /srv/calls, or with the slug of a library "
                "behind it, as /srv/calls=support."
            )
        known = roots.get(Path(root), frozenset())
        roots[Path(root)] = known | {library} if library else known
    return roots


def _buckets(path: Path | None) -> dict[str, Bucket]:
    if path is None:
        return {}
    source = f"The file {path} (ECHOIC_WATCH_BUCKETS_FILE)"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"{source} cannot be read: {wording.os_reason(error)}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid(f"{source} is not valid TOML: {error}.") from error
    return {name: _bucket(name, table, source) for name, table in tables.items()}


def _bucket(name: str, table: object, source: str) -> Bucket:
    """Read a table; what is wrong is told without its values, some of which are secret."""
    if not _NAME.fullmatch(name) or not isinstance(table, dict):
        raise SettingInvalid(f"{source}: {name!r} is no table with a name of up to 64 of a-z, 0-9, '_' and '-'.")
    values: dict[str, Any] = dict(table)
    url, libraries = values.pop("url", None), values.pop("libraries", [])
    if not isinstance(url, str):
        raise SettingInvalid(f"{source}: [{name}] needs 'url', as s3://bucket/prefix.")
    if not isinstance(libraries, list) or not all(isinstance(each, str) for each in libraries):
        raise SettingInvalid(f"{source}: [{name}] 'libraries' must be a list of slugs.")
    if not all(isinstance(value, str) for value in values.values()):
        raise SettingInvalid(f"{source}: [{name}] each option of the vendor must be a text.")
    try:
        open_store(url, named="url", options=values)
    except SettingInvalid as error:
        raise SettingInvalid(f"{source}: [{name}] has a 'url' or an option that cannot be used.") from error
    return Bucket(url=url, options=values, libraries=frozenset(libraries))
