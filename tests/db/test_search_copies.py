"""The state of a copy of the search index, as the metrics tell it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import in_seconds
from echoic.db.connect import Database
from echoic.db.search.copies import SearchChange, begin_copy, complete_copy, look_at_copy


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
