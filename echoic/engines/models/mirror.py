"""Models from a server of one's own, at ``ECHOIC_MODELS_URL``: files below the model's name, with a list of their digests.

The list is what ``sha256sum`` writes, as ``SHA256SUMS``: a digest and a name a line. It says what is fetched, and nothing
is kept whose content is another. The folder keeps the list, so that ``echoic models verify`` can compare again.
"""

import hashlib
import os
import shutil
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx

from echoic import errors, wording
from echoic.engines.models.model import Model, Told
from echoic.engines.models.packaged import SHA256_DIGITS, locked, sha256_of
from echoic.settings import Settings

SUMS = "SHA256SUMS"
FOLDER = "mirror"
"""The folder below the models folder that keeps what was fetched."""
MAX_SUMS_BYTES = 1_048_576
CONNECT_SECONDS, SILENCE_SECONDS = 10.0, 60.0
FETCHING_PREFIX = ".fetching-"
PART_PREFIX = ".part-"
"""Of a file that did not come whole yet; no listed file has such a name."""


def mirrored_folder(model: Model, settings: Settings) -> Path | None:
    """Return the folder of a model that was fetched from the mirror, with all that it needs; asks nobody."""
    if model.folder is None or not _is_plain(model.folder):
        return None
    folder = settings.models_cache_dir / FOLDER / model.folder
    return folder if all((folder / name).is_file() for name in (SUMS, *_required(model))) else None


def fetch_mirrored(model: Model, settings: Settings, *, told: Told | None = None) -> Path | None:
    """Return the folder of a model, fetched from the mirror where it is not here; None where the mirror has no such model.

    Raises ``errors.ModelMissing`` where the mirror cannot be reached, or gives something else than its list says.
    """
    if (folder := mirrored_folder(model, settings)) is not None:
        return folder
    if (
        settings.models_url is None
        or not settings.model_downloads
        or model.folder is None
        or not _is_plain(model.folder)
    ):
        return None
    home = settings.models_cache_dir / FOLDER
    folder = home / model.folder
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    base = f"{settings.models_url.rstrip('/')}/{model.folder}/"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with locked(home / ".lock"), httpx.Client(base_url=base, timeout=timeout, follow_redirects=True) as client:
            # Another process may have fetched it while this one waited.
            if (fetched := mirrored_folder(model, settings)) is not None:
                return fetched
            sums = _sums(client)
            if sums is None:
                return None
            if missing := [name for name in _required(model) if name not in sums]:
                raise errors.ModelMissing(
                    f"{SUMS} of the model '{model.name}' at ECHOIC_MODELS_URL lacks {', '.join(missing)}."
                )
            _fetch(client, sums, home, folder, told or _ignore)
    except httpx.HTTPError as error:
        raise errors.ModelMissing(
            f"The model '{model.name}' could not be fetched from ECHOIC_MODELS_URL: {_told(error)}."
        ) from error
    except OSError as error:
        raise errors.ModelMissing(
            f"The model '{model.name}' could not be written to the models folder: {error.strerror}."
        ) from error
    return folder


def listed_digests(folder: Path) -> dict[str, str]:
    """Return the digests of the files of a folder, as the mirror's list there says; nothing where it has none."""
    try:
        return parse_sums((folder / SUMS).read_text(encoding="utf-8"))
    except OSError:
        return {}


def parse_sums(text: str) -> dict[str, str]:
    """Read names and digests as ``sha256sum`` writes them. Raises ``errors.ModelMissing`` for a line of another form."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        digest, _, name = line.strip().partition(" ")
        name = name.lstrip(" *").removeprefix("./")
        if not digest:
            continue
        if len(digest) != SHA256_DIGITS or not set(digest.lower()) <= set(string.hexdigits) or not _is_plain(name):
            raise errors.ModelMissing(
                f"{SUMS} of ECHOIC_MODELS_URL has a line that is no digest and file name: {line[:100]}"
            )
        found[name] = digest.lower()
    return found


def _told(error: httpx.HTTPError) -> str:
    """Return what went wrong. The library's own sentence of a status has the whole address, with a password where there is one."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"{error.request.url.path} was answered {error.response.status_code}"
    return wording.in_one_line(error)


def _required(model: Model) -> tuple[str, ...]:
    return model.hub.required if model.hub else ()


def _sums(client: httpx.Client) -> Mapping[str, str] | None:
    answer = client.get(SUMS)
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    answer.raise_for_status()
    sums = parse_sums(answer.text[:MAX_SUMS_BYTES])
    if not sums:
        raise errors.ModelMissing(f"{SUMS} of ECHOIC_MODELS_URL is empty.")
    return sums


def _fetch(client: httpx.Client, sums: Mapping[str, str], home: Path, folder: Path, told: Told) -> None:
    """Fetch all files into a folder of their own, and give it its name when all of them are right.

    Where the line breaks, the folder stays: the next fetch of the same list goes on in it.
    """
    listed = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    fetching = home / f"{FETCHING_PREFIX}{hashlib.sha256(listed.encode()).hexdigest()}"
    for remains in home.glob(f"{FETCHING_PREFIX}*"):
        if remains != fetching:
            shutil.rmtree(remains)
    count = _Count(told)
    try:
        for name, digest in sums.items():
            _fetch_file(client, fetching, name, digest, count)
        (fetching / SUMS).write_text(listed, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        fetching.rename(folder)
    except (errors.ModelMissing, OSError):
        # Another content than the list says, or a disk that may be full of this.
        shutil.rmtree(fetching, ignore_errors=True)
        raise


@dataclass(slots=True)
class _Count:
    """Bytes over all files of a model; a file's size is known when it begins."""

    told: Told
    done: int = 0
    total: int = 0

    def begins(self, size: int) -> None:
        self.total += size

    def came(self, size: int) -> None:
        self.done += size
        self.told(self.done, max(self.done, self.total))


def _fetch_file(client: httpx.Client, folder: Path, name: str, digest: str, count: _Count) -> None:
    """Fetch a file, from where an earlier fetch broke off, and give it its name when its content is right."""
    target, part = folder / name, folder / f"{PART_PREFIX}{digest}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        size = target.stat().st_size
        count.begins(size)
        count.came(size)
        return
    there = part.stat().st_size if part.exists() else 0
    asked = {"Range": f"bytes={there}-", "Accept-Encoding": "identity"} if there else {}
    with client.stream("GET", name, headers=asked) as answer:
        is_rest = answer.status_code == httpx.codes.PARTIAL_CONTENT
        if answer.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:  # there is no more of it
            answer.raise_for_status()
            count.begins(int(answer.headers.get("Content-Length", "0")) + is_rest * there)
            count.came(is_rest * there)
            with part.open("ab" if is_rest else "wb") as out:
                for chunk in answer.iter_bytes():  # a size would keep back what came before the line breaks
                    out.write(chunk)
                    count.came(len(chunk))
                out.flush()
                os.fsync(out.fileno())
    if sha256_of(part) != digest:
        raise errors.ModelMissing(f"{name} from ECHOIC_MODELS_URL has another content than its {SUMS} says.")
    part.rename(target)


def _is_plain(name: str) -> bool:
    """Return whether a name stays in its folder."""
    path = PurePosixPath(name)
    return (
        bool(name)
        and not path.is_absolute()
        and ".." not in path.parts
        and not name.startswith(".")
        and "\\" not in name
    )


def _ignore(_: int, __: int) -> None: ...
