"""The actions of the bulk API that make a copy hold an item as it was read, and nothing else of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from echoic.db.search.copied_entries import TITLE_POSITION
from echoic.db.search.copies import Held
from echoic.opensearch.documents import document_id

Line: TypeAlias = dict[str, Any]
Action: TypeAlias = tuple[Line, ...]
"""A line that says what is to be done, and the document where one is written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemDocuments:
    """An item as a copy is to hold it."""

    place: Held
    documents: Mapping[str, Line]
    """By their ids."""


def actions_of(item_id: int, item: ItemDocuments | None, held: Sequence[Held], version: int) -> Iterator[Action]:
    """Yield what writes an item's documents, and deletes all else that a copy may hold of it."""
    if item is not None:
        for number, document in item.documents.items():
            yield _head("index", number, item.place.library_id, version), document
    for other in held:
        kept = item.documents if item is not None and item.place.library_id == other.library_id else {}
        for position in range(TITLE_POSITION, other.places):
            if (number := document_id(item_id, position)) not in kept:
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
