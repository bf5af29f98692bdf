"""The sweep removes what no row names, and nothing else."""

from pathlib import Path

from echoic.compose import open_components
from echoic.db.items import items
from echoic.intake.sweep import sweep
from echoic.settings import Settings


async def test_only_bytes_without_a_row_are_removed_and_young_ones_are_left_alone(
    database_url: str, tmp_path: Path
) -> None:
    async with open_components(Settings(_env_file=None, data_dir=tmp_path), database_url) as components:
        keys = []
        for content in (b"named", b"forgotten"):
            async with components.blobs.stage() as staged:
                await staged.write(content)
                keys.append((await staged.finish()).key)
        async with components.database.transaction() as session:
            await items.create_blob(session, key=keys[0], size_bytes=5, sha256="0")
        assert await sweep(components.database, components.blobs) == 0
        assert await sweep(components.database, components.blobs, min_age_seconds=0) == 1
        assert [blob.key async for blob in components.blobs.list_older_than(0)] == keys[:1]
