"""Windows: ranges of items at one end of time, through which matches of a common word are looked for. Pure.

A window is asked of the index of words by the marks of its blocks of items, so that no list is read beyond it. What a search
for something common costs thus follows from how many matches it ranks, and not from how many there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from echoic.db.search.lexemes import BLOCK, BLOCK_BITS

End = Literal["newest", "oldest"]

NEARLY_ALL = 0.9
"""A window of more than this part of a range is not worth a look: most likely, all of the range would have to be looked through."""
MIN_PARTS = 16
"""Blocks at the ends of a window are so much smaller than it, if there are any, so that few items beside it have its marks."""
MAX_BLOCKS = 100
"""A window of more blocks than this is not looked up by them: it is nearly all there is."""


@dataclass(frozen=True, slots=True)
class Items:
    """A range of items by their ids, both ends included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return max(0, self.last - self.first + 1)

    def at(self, end: End, size: float) -> "Items | None":
        """Return the window of about so many items at one end; None where that is nearly all of the range."""
        if size > self.size * NEARLY_ALL:
            return None
        step = max(1, int(size)) - 1
        return Items(self.last - step, self.last) if end == "newest" else Items(self.first, self.first + step)

    def beyond(self, end: End, window: "Items") -> "Items":
        """Return what is left of the range without a window at that end."""
        return Items(self.first, window.first - 1) if end == "newest" else Items(window.last + 1, self.last)

    def up_to(self, end: End, item_id: int) -> "Items":
        """Return the part of the range between an end and an item."""
        return Items(item_id, self.last) if end == "newest" else Items(self.first, item_id)

    def blocks(self) -> list[str]:
        """Return the marks of few blocks that hold the whole range, and at its ends some items beside; none if they are many."""
        fine = [bits for bits in BLOCK_BITS if self.size >> bits >= MIN_PARTS] or BLOCK_BITS[:1]
        levels = [bits for bits in BLOCK_BITS if bits >= fine[-1]]
        numbers = [BLOCK.format(bits=bits, number=number) for bits, number in _covering(self, levels)]
        return numbers if len(numbers) <= MAX_BLOCKS else []


def _covering(items: Items, levels: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the blocks that hold a range: the largest within it, and smaller ones at its ends, by their bits and numbers."""
    *smaller, bits = levels
    if not smaller:
        yield from ((bits, number) for number in range(items.first >> bits, (items.last >> bits) + 1))
        return
    # The whole blocks: the last one ends with or before the range.
    first, beyond = -(-items.first >> bits), (items.last + 1) >> bits
    if first >= beyond:
        yield from _covering(items, smaller)
        return
    yield from ((bits, number) for number in range(first, beyond))
    for end in (Items(items.first, (first << bits) - 1), Items(beyond << bits, items.last)):
        if end.size:
            yield from _covering(end, smaller)
