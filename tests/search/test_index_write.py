"""What may be written into the search index."""

import pytest

from echoic.db.search import index_write
from echoic.db.search.index import DIMENSIONS
from tests.factories import World
from tests.search.conftest import ENCODER


async def test_vectors_of_the_wrong_shape_are_refused(world: World) -> None:
    async with world.database.transaction() as session:
        with pytest.raises(ValueError, match=str(DIMENSIONS)):
            await index_write.store_embeddings(
                session, segment_ids=[1], model="m", vectors=ENCODER.encode(["a", "b"], "query")
            )
