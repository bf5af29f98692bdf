"""Text that is likely wrong, in what a search finds."""

from dataclasses import replace

import pytest

from echoic.search.question import Filters
from tests.factories import World, segment
from tests.search.conftest import Find


@pytest.mark.parametrize("kind", ["text", "semantic", "hybrid"])
async def test_what_is_likely_wrong_says_so_and_can_be_left_out(find: Find, world: World, kind: str) -> None:
    tenant = await world.tenant()
    wrong = replace(segment("deadline two", start=10.0), quality="doubtful")
    await world.item(tenant.dataset_id, [replace(segment("deadline one"), quality="ok"), wrong])

    async def found(*, doubtful: bool | None) -> set[tuple[str, str | None]]:
        answer = await find(tenant, "deadline", kind=kind, filters=Filters(doubtful=doubtful))
        return {(hit.text, hit.quality) for hit in answer.hits}

    both = {("deadline one", "ok"), ("deadline two", "doubtful")}
    assert await found(doubtful=None) == await found(doubtful=True) == both
    assert await found(doubtful=False) == {("deadline one", "ok")}
