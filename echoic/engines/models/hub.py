"""The public hub: what was fetched from it lies in its own cache below the models folder, by repository and revision."""

import hashlib
import os
from pathlib import Path
from threading import Lock
from typing import Any

from echoic import errors
from echoic.engines.models.model import HubModel, Told
from echoic.engines.models.packaged import SHA256_DIGITS
from echoic.settings import Settings


def quiet_hub(settings: Settings) -> None:
    """Switch off the hub library's telemetry and, without downloads, its network; before anything imports it."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    if not settings.model_downloads:
        os.environ["HF_HUB_OFFLINE"] = "1"


def cached_folder(hub: HubModel, settings: Settings) -> Path | None:
    """Return the folder of the revision that was fetched last; None where nothing was, or not all. Asks nobody."""
    repository = settings.models_cache_dir / hub.cache / f"models--{hub.repo.replace('/', '--')}"
    try:
        revision = (repository / "refs" / "main").read_text(encoding="ascii").strip()
    except OSError:
        return None
    folder = repository / "snapshots" / revision
    return folder if revision and folder.is_dir() and not _missing(hub, folder) else None


def fetch(hub: HubModel, settings: Settings, *, remedy: str = "", told: Told | None = None) -> Path:
    """Return the folder of the repository, fetched where it is not here yet. ``remedy`` ends the message of the error.

    ``told`` is told of the bytes that came, in one thread at a time.

    Raises ``errors.ModelMissing``.
    """
    quiet_hub(settings)
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    token = settings.hub_token.get_secret_value() if settings.hub_token else None
    if hub.gated and token is None and cached_folder(hub, settings) is None:
        raise errors.ModelMissing(how_to_open(hub))

    try:
        folder = snapshot_download(
            hub.repo,
            cache_dir=settings.models_cache_dir / hub.cache,
            allow_patterns=list(hub.files) if hub.files else None,
            local_files_only=not settings.model_downloads,
            # Never a token that another program has stored on this machine.
            token=token or False,
            tqdm_class=None if told is None else _counting(told),
        )
    except GatedRepoError as error:
        raise errors.ModelMissing(how_to_open(hub)) from error
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        if settings.model_downloads:
            raise errors.ModelMissing(f"The model '{hub.repo}' could not be fetched from the hub{remedy}.") from error
        raise errors.ModelMissing(
            f"The model '{hub.repo}' is not on this machine, and downloads are switched off; switch them on"
            f" (ECHOIC_MODEL_DOWNLOADS){remedy}."
        ) from error
    if missing := _missing(hub, Path(folder)):
        raise errors.ModelMissing(f"The model '{hub.repo}' lacks {', '.join(missing)}{remedy}.")
    return Path(folder)


def _counting(told: Told) -> type:
    """Return a class of progress bars, as the hub's library takes one, that shows nothing and tells of the bytes that came."""
    from tqdm.auto import tqdm

    class Counting(tqdm):  # type: ignore[misc]  # the library has no types
        def __init__(self, *arguments: Any, **named: Any) -> None:
            # One of the library's bars counts what is written; the others count files, or what is transferred of parts.
            self._counts = named.get("unit") == "B" and str(named.get("desc")).startswith("Reconstructing")
            self._done = 0
            self._telling = Lock()  # the library fetches several files at once, each in a thread of its own
            super().__init__(*arguments, **(named | {"disable": True}))

        def update(self, n: float | None = 1) -> None:
            if self._counts:
                with self._telling:
                    self._done += int(n or 0)
                    told(self._done, int(self.total or 0))

    return Counting


def how_to_open(hub: HubModel) -> str:
    """Say how to get access to a gated model."""
    return (
        f"The hub gives the model '{hub.repo}' only to accounts that have accepted its terms: accept them at"
        f" https://huggingface.co/{hub.repo}, make a token that may read at https://huggingface.co/settings/tokens, and"
        " set it as ECHOIC_HUB_TOKEN."
    )


def is_as_fetched(path: Path, sha256: str) -> bool | None:
    """Return whether a file of the cache has the content by whose digest the hub names it; None for a file of no digest.

    ``sha256`` is the digest of its content. The cache keeps contents under their entity tags: the SHA-256 of a large file,
    git's name of a small one.
    """
    content = path.resolve()
    if content == path or content.parent.name != "blobs":
        return None
    if len(content.name) == SHA256_DIGITS:
        return sha256 == content.name
    # Git's own name for a content; nothing is kept secret by it.
    small = content.read_bytes()
    return hashlib.sha1(f"blob {len(small)}\0".encode() + small, usedforsecurity=False).hexdigest() == content.name


def _missing(hub: HubModel, folder: Path) -> list[str]:
    return [name for name in hub.required if not (folder / name).is_file()]
