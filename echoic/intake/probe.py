"""A look into a stored upload: whether it holds sound at all, and what it says of itself."""

from dataclasses import replace

from echoic.engines.media import MediaLimits, probe
from echoic.errors import MediaLimitHit, MediaUnreadable, NotAudio
from echoic.records import MediaInfo
from echoic.settings import Settings
from echoic.storage.blobs import BlobReader, Blobs, StoredBlob

PROBE_SECONDS = 60.0
"""The uploader waits for it. It takes well under a second; the rest is for a machine that is busy."""


async def probe_blob(blobs: Blobs, stored: StoredBlob, settings: Settings) -> MediaInfo:
    """What the file says of itself, once some of its sound was decoded in a limited child process.

    Raises NotAudio for whatever cannot be opened, and the store's errors. The blob stays; it is the caller's to delete.
    """
    limits = MediaLimits.from_settings(settings)
    limits = replace(limits, timeout_seconds=min(limits.timeout_seconds, PROBE_SECONDS))
    try:
        return await probe(BlobReader(blobs, stored.key, stored.size_bytes), limits)
    except MediaUnreadable as error:
        raise NotAudio from error
    except MediaLimitHit as error:
        raise NotAudio("The file could not be opened within the limits on time and memory.") from error
