"""Windows: ranges of items at one end of time, through which matches of a common word are looked for. Pure.

A window is asked of the index of words by the marks of its blocks of items, so that no list is read beyond it. What a search
for something common costs thus follows from how many matches it ranks, and not from how many there are.
"""

from dataclasses import dataclass
from typing import Literal

from echoic.db.search.lexemes import BLOCK, BLOCK_BITS

End = Literal["newest", "oldest"]

MANY_BLOCKS = 16
"""Of so many blocks at most a window is made, where larger ones can be taken instead."""
MAX_BLOCKS = 100
"""A window of more than so many of the largest blocks is not looked up by them: it is nearly all there is."""


@dataclass(frozen=True, slots=True)
class Items:
    """A range of items by their ids, both ends included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return max(0, self.last - self.first + 1)

    def at(self, end: End, size: float) -> "Items | None":
        """Return the window of about so many items at one end; None where that is most of the range."""
        if size > self.size / 2:
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
        for bits in BLOCK_BITS:
            numbers = range(self.first >> bits, (self.last >> bits) + 1)
            if len(numbers) <= MANY_BLOCKS:
                break
        return [BLOCK.format(bits=bits, number=number) for number in numbers] if len(numbers) <= MAX_BLOCKS else []
