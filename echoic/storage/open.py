"""The choice of the store by the settings."""

from echoic.errors import DataDirUnusable
from echoic.settings import Settings
from echoic.storage.blobs import Blobs
from echoic.storage.local import LocalBlobs
from echoic.storage.remote import RemoteBlobs


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
