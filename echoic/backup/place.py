"""The place of backups: a folder or a bucket with objects that several backups share, and a manifest for each backup.

backups/<id>.json     the manifests
objects/ab/cd/<key>   recordings under the keys that they have in storage, and tables and lists under keys of their own
"""

import hashlib
import json
import zlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from echoic.backup.manifest import Manifest, StoredPart, parse
from echoic.errors import BackupDamaged, BackupNotFound, BlobNotFound
from echoic.storage.blobs import Blobs
from echoic.storage.documents import Documents
from echoic.storage.open import open_place

COMPRESSION_LEVEL = 4
"""Text of rows becomes a quarter at that level; higher ones take twice the time for a few percent."""
GZIP_WINDOW = 31
"""zlib's number for its largest window in gzip's framing."""
LINES_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class CopiedObject:
    """An object that a backup holds."""

    key: str
    size_bytes: int
    sha256: str


class Place:
    """The backups in one folder or bucket."""

    def __init__(self, name: str, blobs: Blobs, manifests: Documents) -> None:
        self.name = name
        self.blobs = blobs
        self.manifests = manifests

    @classmethod
    def open(cls, name: str, *, make: bool = False) -> "Place":
        """Open the place. Raises SettingInvalid for a URL that cannot be used, DataDirUnusable for a folder that cannot."""
        return cls(name, *open_place(name, named="The place of the backup", make=make))

    async def backups(self) -> list[Manifest]:
        """Return all whole backups, oldest first. Raises BackupDamaged, BackupUnfit and StorageUnavailable."""
        names = [name for name in await self.manifests.names() if name.endswith(".json")]
        return [parse(await self.manifests.read(name), name=name) for name in names]

    async def backup(self, backup_id: str | None) -> Manifest:
        """Return the backup of that id, or else the newest. Raises BackupNotFound."""
        names = [name for name in await self.manifests.names() if name.endswith(".json")]
        if not names:
            raise BackupNotFound(f"{self.name} holds no whole backup.")
        name = names[-1] if backup_id is None else f"{backup_id}.json"
        if name not in names:
            newest = names[-1].removesuffix(".json")
            raise BackupNotFound(
                f"{self.name} holds no whole backup {backup_id}; the newest is {newest}, and"
                f" 'echoic backup {self.name} --list' lists all."
            )
        return parse(await self.manifests.read(name), name=name)

    async def write_part(self, content: AsyncIterator[bytes]) -> StoredPart:
        """Store a part, compressed."""
        packer = zlib.compressobj(COMPRESSION_LEVEL, wbits=GZIP_WINDOW)
        async with self.blobs.stage() as staged:
            async for chunk in content:
                if packed := packer.compress(chunk):
                    await staged.write(packed)
            await staged.write(packer.flush())
            stored = await staged.finish()
        return StoredPart(key=stored.key, size_bytes=stored.size_bytes, sha256=stored.sha256)

    async def read_part(self, part: StoredPart, *, named: str) -> AsyncIterator[bytes]:
        """Yield the content of a part. Raises BackupDamaged, at its end at the latest."""
        digest, unpacker = hashlib.sha256(), zlib.decompressobj(wbits=GZIP_WINDOW)
        try:
            async for chunk in self.blobs.stream(part.key):
                digest.update(chunk)
                yield unpacker.decompress(chunk)
            yield unpacker.flush()
        except (BlobNotFound, zlib.error) as error:
            raise BackupDamaged(f"In the backup, {named} is missing or damaged (object {part.key}).") from error
        if digest.hexdigest() != part.sha256:
            raise BackupDamaged(
                f"In the backup, {named} has another checksum than its manifest says (object {part.key})."
            )

    async def write_objects(self, objects: Iterable[CopiedObject]) -> StoredPart:
        """Store the list of a backup's objects."""

        async def lines() -> AsyncIterator[bytes]:
            batch: list[str] = []
            for each in objects:
                batch.append(json.dumps([each.key, each.size_bytes, each.sha256]))
                if len(batch) == LINES_AT_ONCE:
                    yield ("\n".join(batch) + "\n").encode()
                    batch = []
            yield "".join(f"{line}\n" for line in batch).encode()

        return await self.write_part(lines())

    async def read_objects(self, manifest: Manifest) -> list[CopiedObject]:
        """Return the objects of a backup. Raises BackupDamaged."""
        content = b"".join([chunk async for chunk in self.read_part(manifest.objects, named="the list of objects")])
        rows = [json.loads(line) for line in content.splitlines()]
        return [CopiedObject(key=key, size_bytes=size, sha256=sha256) for key, size, sha256 in rows]
