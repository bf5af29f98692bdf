"""An item's state as clients see it: three lead to its publication, two others end it otherwise.

An item that is only stored is in none of its own: it is `queued`, as one that somebody will start, and says that it is on
hold.
"""

from typing import Literal, cast

from echoic.db.items.items import ItemStatus

ShownStatus = Literal["queued", "processing", "published", "failed", "cancelled"]

STORED = "stored"
READABLE_STATUSES = ("published", "failed", "cancelled")
"""States in which the transcript can be read: it stays after a failure of a later stage, and changes during work."""
STATUS = "queued → processing → published; or failed, cancelled."
ON_HOLD = (
    "True for a queued item on which nothing starts by itself, because its dataset does not transcribe on arrival; "
    "`POST /api/items/{id}/transcribe` starts it."
)
ASKED = "Only items in this state; `queued` includes those on hold, `stored` means those alone."


def is_on_hold(status: str) -> bool:
    """Return whether nothing starts by itself on an item of this state."""
    return status == STORED


def shown_status(status: str) -> ShownStatus:
    """The state that clients are told."""
    return "queued" if is_on_hold(status) else cast("ShownStatus", status)


def states_of(asked: ItemStatus | None) -> list[str] | None:
    """The states of items that a client asks for; None for all."""
    if asked is None:
        return None
    return [asked, STORED] if asked == "queued" else [asked]
