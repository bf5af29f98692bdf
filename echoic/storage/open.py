"""The choice of the store: by the settings, or by a folder or URL that a command was given."""

import re
from pathlib import Path

from echoic import wording
from echoic.errors import DataDirUnusable, SettingInvalid
from echoic.settings import Settings
from echoic.storage.blobs import Blobs
from echoic.storage.documents import Documents, LocalDocuments, RemoteDocuments
from echoic.storage.local import LocalBlobs
from echoic.storage.remote import RemoteBlobs, open_store
from echoic.storage.staged_file import FOLDER_MODE

_ONE_SLASH = re.compile(r"([a-z0-9+.-]{2,}):/")


def open_blobs(settings: Settings) -> Blobs:
    """Return the bucket at ``storage_url``, or the folder below ``data_dir``, which is made where it is missing.

    Raises SettingInvalid for a URL that cannot be used, DataDirUnusable when the folder cannot be made.
    """
    if settings.storage_url is not None:
        return RemoteBlobs.from_url(settings.storage_url)
    try:
        return LocalBlobs.create(settings.blobs_dir)
    except OSError as error:
        raise DataDirUnusable(
            f"The folder {settings.blobs_dir} for the audio cannot be made: {error.strerror}."
        ) from error


def open_place(place: str, *, named: str, make: bool) -> tuple[Blobs, Documents]:
    """Return a store of blobs and one of documents in a folder or below a URL; ``make`` a folder that is missing.

    ``named`` is what the place is called in messages. Raises SettingInvalid for a URL that cannot be used,
    DataDirUnusable when the folder cannot be made.
    """
    if "://" in place:
        root = place.rstrip("/")
        blobs = RemoteBlobs.from_url(f"{root}/objects", named=named)
        return blobs, RemoteDocuments(open_store(f"{root}/backups", named=named))
    if meant := _ONE_SLASH.match(place):
        raise SettingInvalid(
            f"{named} begins like a URL with one slash: a bucket is {meant[1]}://bucket/prefix, a folder of that name ./{place}."
        )
    folder = Path(place).expanduser()
    if not make:
        return LocalBlobs(folder / "objects"), LocalDocuments(folder / "backups")
    try:
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        return LocalBlobs.create(folder / "objects"), LocalDocuments.create(folder / "backups")
    except OSError as error:
        raise DataDirUnusable(f"The folder {folder} cannot be used: {wording.os_reason(error)}.") from error
