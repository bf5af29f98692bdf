"""Find and replace over a dataset: a preview that changes nothing, then a version of each item that says the text."""

from typing import Any

import pytest

from tests.api.people import Asking
from tests.factories import World, talk


@pytest.fixture
async def items(ask: Asking, world: World) -> list[int]:
    """Three transcripts, of which two say it."""
    said = (("Jon Weber spoke", "and jon went"), ("nobody here",), ("Jonas met Jon",))
    return [
        await world.item(ask.tenant.dataset_id, talk(*texts), title=f"Talk {number}")
        for number, texts in enumerate(said)
    ]


async def replaced(ask: Asking, status: int = 200, **wanted: Any) -> Any:
    body = {"find": "jon", "replace": "Joan", **wanted}
    return await ask("POST", f"/api/datasets/{ask.tenant.dataset_id}/replace", status, json=body)


async def texts(ask: Asking, item_id: int) -> tuple[int, list[str]]:
    body = await ask("GET", f"/api/items/{item_id}/transcript")
    return body["version"], [part["text"] for part in body["segments"]]


async def test_a_preview_shows_what_would_change_and_changes_nothing(ask: Asking, items: list[int]) -> None:
    body = await replaced(ask, preview=True)
    assert (body["refused"], body["next_after"]) == ([], None)
    assert [(each["item_id"], each["title"], each["replacements"]) for each in body["items"]] == [
        (items[0], "Talk 0", 2),
        (items[2], "Talk 2", 2),
    ]
    assert body["items"][1]["lines"] == [{"id": 0, "before": "Jonas met Jon", "after": "Joanas met Joan"}]
    assert [(await texts(ask, item_id))[0] for item_id in items] == [0, 0, 0]


async def test_each_item_that_says_it_gets_a_version_that_can_be_taken_back(ask: Asking, items: list[int]) -> None:
    body = await replaced(ask, whole_words=True)
    assert [(each["item_id"], each["version"], each["segments_changed"]) for each in body["items"]] == [
        (items[0], 1, 2),
        (items[2], 1, 1),
    ]
    assert await texts(ask, items[0]) == (1, ["Joan Weber spoke", "and Joan went"])
    assert await texts(ask, items[1]) == (0, ["nobody here"])
    assert await texts(ask, items[2]) == (1, ["Jonas met Joan"])
    await ask("POST", f"/api/items/{items[2]}/transcript/versions/0/restore")
    assert (await texts(ask, items[2]))[1] == ["Jonas met Jon"]


async def test_case_counts_where_asked_for_and_only_the_items_named_are_changed(ask: Asking, items: list[int]) -> None:
    body = await replaced(ask, match_case=True, items=[items[0], items[1]])
    assert [each["item_id"] for each in body["items"]] == [items[0]]
    assert await texts(ask, items[0]) == (1, ["Jon Weber spoke", "and Joan went"])


async def test_a_large_dataset_is_gone_through_in_steps(ask: Asking, items: list[int]) -> None:
    first = await replaced(ask, limit=2)
    assert ([each["item_id"] for each in first["items"]], first["next_after"]) == ([items[0]], items[1])
    second = await replaced(ask, limit=2, after=first["next_after"])
    assert ([each["item_id"] for each in second["items"]], second["next_after"]) == ([items[2]], None)


async def test_an_item_whose_lines_would_get_too_long_is_named_and_the_others_are_changed(
    ask: Asking, world: World, items: list[int]
) -> None:
    long = await world.item(ask.tenant.dataset_id, talk("jon " * 10))
    body = await replaced(ask, replace="x" * 900)
    assert [each["item_id"] for each in body["items"]] == [items[0], items[2]]
    assert [(each["item_id"], each["code"]) for each in body["refused"]] == [(long, "field_invalid")]
    assert (await texts(ask, long))[0] == 0


async def test_an_empty_search_is_refused(ask: Asking) -> None:
    assert (await replaced(ask, 400, find=""))["code"] == "field_invalid"
