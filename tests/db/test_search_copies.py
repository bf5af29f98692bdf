"""The state of a copy of the search index, as the metrics tell it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import in_seconds
from echoic.db.connect import Database
from echoic.db.items.counts import ItemCount
from echoic.db.search.copies import Claimed, SearchChange, begin_copy, complete_copy
from echoic.db.search.copy_figures import look_at_copy
from echoic.db.search.refused_items import lacks_too_much, note_refused


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[AsyncSession]:
    database = Database(database_url, pool_size=1)
    async with database.transaction() as session:
        yield session
    await database.close()


async def test_a_copy_is_usable_once_it_is_loaded_and_behind_by_its_oldest_change(session: AsyncSession) -> None:
    assert not (await look_at_copy(session)).is_usable
    first = await begin_copy(session, unless_begun=True)
    assert first is not None
    session.add(SearchChange(copy_id=first.id, item_id=1, noted_at=in_seconds(-100)))
    await session.flush()
    # It answers nothing yet, so nobody misses what it lacks.
    loading = await look_at_copy(session)
    assert (loading.is_usable, loading.behind_seconds) == (False, 0.0)
    await complete_copy(session, first.id)
    session.add(SearchChange(copy_id=first.id, item_id=2, noted_at=in_seconds(-5)))
    await session.flush()
    loaded = await look_at_copy(session)
    assert loaded.is_usable
    assert 100 <= loaded.behind_seconds < 160


@pytest.mark.parametrize(("refused", "published", "too_much"), [(10, 0, False), (11, 1_000, True), (11, 1_100, False)])
async def test_a_copy_lacks_too_much_by_number_and_share(
    session: AsyncSession, refused: int, published: int, too_much: bool
) -> None:
    copy = await begin_copy(session, unless_begun=True)
    assert copy is not None
    session.add(ItemCount(dataset_id=1, status="published", items=published))
    for item_id in range(refused):
        await note_refused(session, Claimed(copy=copy, item_id=item_id, lease=uuid4()), "400")
    assert await lacks_too_much(session, copy) is too_much
    assert (await look_at_copy(session)).held_back is too_much
    await complete_copy(session, copy.id)
    assert not (await look_at_copy(session)).held_back
