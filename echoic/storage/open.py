"""The choice of the store: by the settings, or by a folder or URL that a command was given."""

from pathlib import Path

from echoic import wording
from echoic.errors import DataDirUnusable
from echoic.settings import Settings
from echoic.storage.blobs import Blobs
from echoic.storage.documents import Documents, LocalDocuments, RemoteDocuments
from echoic.storage.local import LocalBlobs
from echoic.storage.remote import RemoteBlobs, open_store


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
    folder = Path(place).expanduser()
    if not make:
        return LocalBlobs(folder / "objects"), LocalDocuments(folder / "backups")
    try:
        return LocalBlobs.create(folder / "objects"), LocalDocuments.create(folder / "backups")
    except OSError as error:
        raise DataDirUnusable(f"The folder {folder} cannot be used: {wording.os_reason(error)}.") from error
