"""Windows: ranges of items at one end of time, and the blocks that hold them."""

import pytest

from echoic.db.search.lexemes import BLOCK_BITS, marks_of
from echoic.db.search.windows import MAX_BLOCKS, MIN_PARTS, Items


def test_a_window_lies_at_the_end_that_is_wanted() -> None:
    items = Items(1, 1000)
    assert items.at("newest", 100) == Items(901, 1000)
    assert items.at("oldest", 100) == Items(1, 100)
    assert items.at("newest", 0.4) == Items(1000, 1000)


@pytest.mark.parametrize("size", [901, float("inf")])
def test_nearly_all_of_the_items_are_no_window(size: float) -> None:
    assert Items(1, 1000).at("newest", size) is None


@pytest.mark.parametrize(
    ("first", "last"),
    [(1, 1), (31, 32), (1, 1000), (255, 767), (123_456, 131_072), (5, 1_000_000), (17_000_000, 18_400_000)],
)
def test_every_item_of_a_window_has_one_of_its_blocks_and_few_others_have(first: int, last: int) -> None:
    blocks = set(Items(first, last).blocks())
    assert 0 < len(blocks) <= MAX_BLOCKS
    step = max(1, (last - first) // 1000)
    assert all(not blocks.isdisjoint(_marks(item)) for item in (*range(first, last, step), last))
    beside = max(1 << BLOCK_BITS[0], (last - first) // MIN_PARTS)
    assert blocks.isdisjoint(_marks(last + beside))
    assert first < beside or blocks.isdisjoint(_marks(first - beside))


def test_nearly_everything_is_not_looked_up_by_blocks() -> None:
    assert Items(1, 1 << 30).blocks() == []


def _marks(item_id: int) -> tuple[str, ...]:
    return marks_of(dataset_id=1, item_id=item_id)
