"""The actions of the bulk API that make a copy hold an item as it was read, and nothing else of it. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from echoic.db.search.copied_entries import TITLE_POSITION, ItemEntries
from echoic.db.search.copies import Held
from echoic.opensearch.documents import document_id, documents

Line: TypeAlias = dict[str, Any]
Action: TypeAlias = tuple[Line, ...]
"""A line that says what is to be done, and the document where one is written."""


def actions_of(item_id: int, entries: ItemEntries | None, held: Sequence[Held], version: int) -> Iterator[Action]:
    """Yield what writes an item's documents, and deletes all else that a copy may hold of it."""
    written: set[str] = set()
    for number, document in documents(entries) if entries is not None else ():
        written.add(number)
        yield _head("index", number, entries.library_id if entries else 0, version), document
    for other in held:
        moved = entries is None or other.library_id != entries.library_id
        for position in range(TITLE_POSITION, other.places):
            number = document_id(item_id, position)
            if moved or number not in written:
                yield deletion(number, other.library_id, version)


def deletion(number: str, library_id: int, version: int) -> Action:
    """Return what deletes a document."""
    return (_head("delete", number, library_id, version),)


def document_of(action: Action) -> str | None:
    """Return the id of the document that is written; None where one is deleted."""
    number: str | None = action[0]["index"]["_id"] if "index" in action[0] else None
    return number


def _head(kind: str, number: str, library_id: int, version: int) -> Line:
    return {kind: {"_id": number, "routing": str(library_id), "version": version, "version_type": "external"}}
