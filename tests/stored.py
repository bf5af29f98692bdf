"""Bytes kept as an upload keeps them: in storage, with a row that names them."""

import hashlib

from echoic.compose import Components
from echoic.db.items import items


async def store(components: Components, content: bytes) -> int:
    """Keep bytes as a blob; returns its id."""
    async with components.blobs.stage() as staged:
        await staged.write(content)
        stored = await staged.finish()
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    async with components.database.transaction() as session:
        blob = await items.create_blob(session, key=stored.key, size_bytes=stored.size_bytes, sha256=stored.sha256)
        return blob.id
