"""Several blobs become one."""

from collections.abc import Iterable

from echoic.errors import BlobNotFound
from echoic.storage.blobs import Blobs, StoredBlob


async def join(blobs: Blobs, keys: Iterable[str], *, size_bytes: int) -> StoredBlob:
    """Return a new blob of the bytes of others in this order, which stay; ``size_bytes`` is what that must make.

    Raises StorageUnavailable, and BlobNotFound where bytes are missing.
    """
    async with blobs.stage() as staged:
        for key in keys:
            async for chunk in blobs.stream(key):
                await staged.write(chunk)
        if staged.size_bytes != size_bytes:
            raise BlobNotFound
        return await staged.finish()
