"""A look into a stored upload: whether it holds sound at all, and what it says of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from echoic.engines.media.parent import MediaLimits, SpareChild, probe
from echoic.errors import DecoderLost, DecoderUnavailable, MediaLimitHit, MediaUnreadable, NotAudio
from echoic.records import MediaInfo
from echoic.settings import Settings
from echoic.storage.blobs import BlobReader, Blobs, StoredBlob
from echoic.units import MB

PROBE_SECONDS = 60.0
"""The uploader waits for it. It takes well under a second; the rest is for a machine that is busy."""
PROBE_CPU_SECONDS = 5
"""Processor time of one look; a film of ten hours takes a tenth of it. FFmpeg's readers of containers walk through
whatever follows a header that says too little, chunk by chunk: 0.3 s for each MB of zeros behind the header of a WAV."""
PROBE_READ_BYTES = 1024 * MB
"""Bytes of the file that one look reads. FFmpeg goes through the fragments of a film one by one, and takes half a MB of
each."""


async def probe_blob(
    blobs: Blobs, stored: StoredBlob, settings: Settings, *, extension: str = "", spare: SpareChild | None = None
) -> MediaInfo:
    """Return what the file says of itself, once some of its sound was decoded in a limited child process.

    ``extension`` is that of the file's name. Raises NotAudio for a file that cannot be opened,
    DecoderUnavailable, and the errors of the store. The blob stays: the caller deletes it.
    """
    limits = MediaLimits.from_settings(settings)
    limits = replace(
        limits,
        timeout_seconds=min(limits.timeout_seconds, PROBE_SECONDS),
        cpu_seconds=PROBE_CPU_SECONDS,
        read_bytes=PROBE_READ_BYTES,
    )
    with refusals_named():
        return await probe(BlobReader(blobs, stored.key, stored.size_bytes), limits, extension=extension, spare=spare)


@contextmanager
def refusals_named() -> Iterator[None]:
    """Wrap a use of the decoder at the door: a fault of the file becomes NotAudio, one of ours DecoderUnavailable."""
    try:
        yield
    except MediaUnreadable as error:
        raise NotAudio(error.message) from error
    except MediaLimitHit as error:
        raise NotAudio(f"No sound was found in the file within the limits. {error.message}") from error
    except DecoderLost as error:
        raise DecoderUnavailable from error
