"""A backup is checked: every object and every table is read, and has the checksum that the manifest says."""

from collections.abc import Sequence

from echoic.backup.manifest import Manifest
from echoic.backup.objects import OnProgress, checksum, for_each
from echoic.backup.place import CopiedObject, Place


async def faults_of(place: Place, manifest: Manifest, *, on_progress: OnProgress | None = None) -> Sequence[str]:
    """Return what is wrong with a backup, a sentence each; nothing where it is whole.

    Raises BackupDamaged where its list of objects cannot be read, and StorageUnavailable.
    """
    objects = await place.read_objects(manifest)
    tables = [
        (f"the table {name}", CopiedObject(key=each.part.key, size_bytes=each.part.size_bytes, sha256=each.part.sha256))
        for name, each in manifest.tables.items()
    ]
    wanted = [*tables, *((f"the object {each.key}", each) for each in objects)]

    async def fault(named: tuple[str, CopiedObject]) -> str | None:
        name, each = named
        found = await checksum(place.blobs, each.key)
        if found is None:
            return f"{name} is missing"
        return None if found == each.sha256 else f"{name} has another checksum than when it was stored"

    found = await for_each(wanted, fault, on_progress=on_progress)
    return [each for each in found if each is not None]
