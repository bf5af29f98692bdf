"""An item that cannot be made into documents is told as one that is refused, and holds up nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from structlog.testing import capture_logs

from echoic.db.search import copied_entries
from echoic.opensearch import documents as making
from tests.factories import World, talk
from tests.opensearch.copied import CopiedIndex, copied_index, documents, found_by, needs_opensearch

pytestmark = needs_opensearch

UNREADABLE = "DataError: timestamp too large (after year 10K): '10001-01-01 00:00:00+00'"
AGAIN = "UPDATE search_refused_items SET again_at = now() - interval '1 second'"


async def test_a_first_load_ends_although_an_item_cannot_be_read(world: World, as_owner: Callable[..., None]) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a quiet river"))
    bad = await world.item(tenant.dataset_id, talk("a loud river"), title="Bad")
    await world.item(tenant.dataset_id, talk("a broad river"))
    as_owner("UPDATE items SET published_at = '10001-01-01 00:00+00' WHERE title = 'Bad'")
    async with copied_index(world.database) as copied:
        with capture_logs() as first:
            await copied.catch_up()
        assert await found_by(copied, tenant, "river") == ["a broad river", "a quiet river"]
        assert await copied.refused() == [(bad, UNREADABLE)]
        assert await copied.copier.waiting() == 0
        as_owner(AGAIN)
        with capture_logs() as second:
            await copied.catch_up()
        told = [line for line in (*first, *second) if line["event"] == "search_item_refused"]
        assert [(line["item_id"], line["reason"]) for line in told] == [(bad, UNREADABLE)] * 2
        assert [line["exc_info"] is not None for line in told] == [True, False]
        as_owner("UPDATE items SET published_at = now() WHERE title = 'Bad'", AGAIN)
        await copied.catch_up()
        assert await found_by(copied, tenant, "river") == ["a broad river", "a loud river", "a quiet river"]
        assert await copied.refused() == []


async def test_what_an_item_was_before_is_not_found_when_it_cannot_be_made_any_more(
    copied: CopiedIndex, world: World, monkeypatch: pytest.MonkeyPatch, as_owner: Callable[..., None]
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("a secret river"), title="Bad")
    await world.item(tenant.dataset_id, talk("a broad river"))
    await copied.catch_up()
    made = making.spoken_tokens

    def broken(entry: Any) -> str:
        if "secret" in entry.own:
            raise KeyError("marked")
        return made(entry)

    monkeypatch.setattr(making, "spoken_tokens", broken)
    as_owner("UPDATE items SET title = 'Worse' WHERE title = 'Bad'")
    await copied.catch_up()
    assert await copied.refused() == [(item_id, "KeyError: 'marked'")]
    assert await found_by(copied, tenant, "river") == ["a broad river"]
    assert len(await documents(copied.client, copied.names.alias)) == 2


async def test_a_statement_that_fails_is_no_fault_of_the_item(
    copied: CopiedIndex, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a quiet river"))
    monkeypatch.setattr(copied_entries, "_SEGMENTS", text("SELECT nothing FROM segments"))
    with pytest.raises(ProgrammingError):
        await copied.copier.write_due()
    assert (await copied.refused(), await copied.copier.waiting()) == ([], 1)
