"""The documents of the index: their fields, and what they hold of an entry. Pure.

Texts arrive cut into words and stemmed as for PostgreSQL's index, so OpenSearch splits them at blanks and does nothing else:
every language is searched by the same rules, whichever plugins a cluster has.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from echoic.db.search.copied_entries import EntryWords, ItemEntries, making_entries
from echoic.db.search.index import DIMENSIONS
from echoic.db.search.lexemes import LEVEL, MAX_ENTRY_WORDS, MAX_LEVEL, STEM, lexeme_at
from echoic.search.language import OVERLAP_WORDS

TOGETHER = "|"
"""Between tokens that stand at one position."""
FOLLOWS = ">"
"""Marks a word of the segments that follow: a phrase may end there, but nothing begins there."""
GAP = "_"
"""Stands in a phrase for a position that may hold anything."""
MAX_TOKEN_CHARACTERS = 1_000
"""More than any token has, with which words are held in pairs; the analyzer would cut those that are longer."""
REFRESH = "500ms"
"""After such a time what was written is found, once searches ask the index."""
NO_REFRESH = "-1"
"""While an index is loaded nobody searches it. Each refresh would make a small segment, with a graph of its vectors, that is soon
merged into another."""
KEEPS_DELETED = "1h"
"""For so long OpenSearch remembers the version at which a document was deleted: a write that comes late must not bring it
back."""

NUMBER = {"type": "long"}
NAME = {"type": "keyword"}
WORDS = {"type": "text", "analyzer": "tokens", "search_analyzer": "phrases", "norms": False}
STEMS = {"type": "keyword", "doc_values": False}
VECTOR = "vector"
"""The field of a segment's embedding, in indices that were made where the cluster compares vectors."""
# Lucene's own graph: it honours the filters while it goes through the graph, and needs no native library.
NEAR = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
MEANING = {"model": NAME, VECTOR: {"type": "knn_vector", "dimension": DIMENSIONS, "method": NEAR}}


def index_body(*, shards: int, replicas: str, with_vectors: bool) -> dict[str, Any]:
    """Return settings and mappings of an index to be loaded; ``replicas`` is OpenSearch's range of their number, as ``0-1``."""
    tokenizer = {"type": "whitespace", "max_token_length": MAX_TOKEN_CHARACTERS}
    together = {"type": "pattern_capture", "preserve_original": False, "patterns": [f"([^{TOGETHER}]+)"]}
    return {
        "settings": {
            "number_of_shards": shards,
            "auto_expand_replicas": replicas,
            "refresh_interval": NO_REFRESH,
            "gc_deletes": KEEPS_DELETED,
            **({"knn": True} if with_vectors else {}),
            "analysis": {
                "tokenizer": {"blanks": tokenizer},
                "filter": {"together": together, "gaps": {"type": "stop", "stopwords": [GAP]}},
                "analyzer": {
                    "tokens": {"type": "custom", "tokenizer": "blanks", "filter": ["together"]},
                    "phrases": {"type": "custom", "tokenizer": "blanks", "filter": ["gaps"]},
                },
            },
        },
        "mappings": {
            "dynamic": "strict",
            # The rows that results show come from PostgreSQL.
            "_source": {"enabled": False},
            "_routing": {"required": True},
            "properties": {
                "words": WORDS,
                "stems": STEMS,
                "item_id": NUMBER,
                "dataset_id": NUMBER,
                "segment_id": NUMBER,
                "position": {"type": "integer"},
                "published_at": NUMBER,
                "language": NAME,
                "source_type": NAME,
                "speaker": NAME,
                "speaker_id": NUMBER,
                "confidence": {"type": "double"},
                "doubtful": {"type": "boolean"},
                "entity_ids": NUMBER,
                "entity_names": NAME,
                "subject_ids": NUMBER,
                **(MEANING if with_vectors else {}),
            },
        },
    }


def document_id(item_id: int, position: int) -> str:
    """Return the id of the document of an entry: writing an entry twice makes no second one."""
    return f"{item_id}:{position}"


@making_entries()
def documents(item: ItemEntries) -> dict[str, dict[str, Any]]:
    """Make the documents of an item, by their ids. Raises EntriesNotMade."""
    return {document_id(item.item_id, entry.position): _document(item, entry) for entry in item.entries}


def _document(item: ItemEntries, entry: EntryWords) -> dict[str, Any]:
    made: dict[str, Any] = {
        "words": spoken_tokens(entry),
        "stems": stems_of(entry, item.stems),
        "item_id": item.item_id,
        "dataset_id": item.dataset_id,
        "position": entry.position,
        "published_at": microseconds(item.published_at),
        "language": item.language,
        "source_type": item.source_type,
    }
    if entry.facts is not None:
        made |= {
            "segment_id": entry.facts.segment_id,
            "speaker": entry.facts.speaker,
            "speaker_id": entry.facts.speaker_id,
            "confidence": entry.facts.confidence,
            "doubtful": entry.facts.doubtful,
            "entity_ids": entry.facts.entity_ids,
            "entity_names": entry.facts.entity_names,
            "subject_ids": entry.facts.subject_ids,
        }
    if entry.meaning is not None:
        made |= {"model": entry.meaning.model, VECTOR: list(entry.meaning.vector)}
    return made


def spoken_tokens(entry: EntryWords) -> str:
    """Return the words of an entry and those that follow, as the analyzer ``tokens`` takes them."""
    own = entry.own[:MAX_ENTRY_WORDS]
    spoken = [*own, *entry.following[:OVERLAP_WORDS]]
    tokens = []
    for place in range(len(spoken)):
        lexeme = lexeme_at(spoken, place)
        if place >= len(own):
            tokens.append(FOLLOWS + lexeme)
        else:
            marked = entry.marked.get(place)
            tokens.append(lexeme if marked is None else f"{lexeme}{TOGETHER}{marked}")
    return " ".join(tokens)


def stems_of(entry: EntryWords, stems: Mapping[str, str | None]) -> list[str]:
    """Return the stems of an entry, those that stand there several times also with their number."""
    own = entry.own[:MAX_ENTRY_WORDS]
    counted = Counter(stem for word in own if (stem := stems[word]) is not None)
    counted.update(marked for place, marked in entry.marked.items() if place < len(own))
    return [
        lexeme
        for stem, times in counted.items()
        for lexeme in (STEM + stem, *(at_level(stem, level) for level in range(2, min(times, MAX_LEVEL) + 1)))
    ]


def at_level(stem: str, level: int) -> str:
    """Return what an entry holds that has a stem at least so many times."""
    return LEVEL.format(level=level) + stem


def microseconds(moment: datetime | None) -> int:
    """Return a time as the index compares it, exactly; 0 for none."""
    return 0 if moment is None else int(moment.timestamp()) * 1_000_000 + moment.microsecond


def moment_of(value: int) -> datetime | None:
    """Return the time that ``microseconds`` gave."""
    return (
        None if value == 0 else datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)
    )
