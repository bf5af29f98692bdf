"""Entries of the index in memory, and whether they match a query. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from echoic.search.answer import FoundItem, Said
from echoic.search.highlight import Stems, stands_at
from echoic.search.language import OVERLAP_WORDS, Both, Either, Node, Phrase, Without, Word, leaves, spelled
from echoic.search.question import Filters
from echoic.text.words import marked_places, words

TITLE_POSITION = -1
"""Of the entry about title and description; segments are counted from 0."""

WordStems = Mapping[str, Sequence[str | None]]
"""The stems of each word, one in every language of the index; None where it is a stop word there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedSegment:
    """A segment as it is put into the index."""

    id: int
    position: int
    said: Said
    label: str | None = None
    """Of the speaker, within the item."""
    speaker_id: int | None = None
    """Of a known speaker."""
    entities: tuple[tuple[int, str, str], ...] = ()
    """Id, type and name of every entity that is mentioned."""
    model: str | None = None
    """The model that made the embedding."""
    embedding: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedItem:
    """A published item as it is put into the index: its present transcript, in order."""

    shown: FoundItem
    segments: tuple[IndexedSegment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The words of a segment, or of a title and a description."""

    item: IndexedItem
    segment: IndexedSegment | None
    words: Sequence[str]
    marked: Mapping[int, str]
    """Words with marks, as ``marked_places`` has them."""
    following: Sequence[str]
    """The first words of the segments after it, in which a phrase may end."""
    stems: Counter[str] = field(default_factory=Counter)
    """How often each stem occurs."""

    @property
    def position(self) -> int:
        return TITLE_POSITION if self.segment is None else self.segment.position

    def add_stems(self, stems: Stems) -> None:
        """Count the stems of its words; words with marks stay as they are."""
        self.stems.update(stem for word in self.words if (stem := stems[word]) is not None)
        self.stems.update(self.marked.values())


def entries_of(item: IndexedItem) -> list[Entry]:
    """Make the entries of an item: one about its title and description, one for each segment."""
    shown = f"{item.shown.title}\n{item.shown.description}"
    made = [Entry(item=item, segment=None, words=words(shown), marked=marked_places(shown), following=())]
    spoken = [words(segment.said.text) for segment in item.segments]
    for number, segment in enumerate(item.segments):
        following = [word for later in spoken[number + 1 : number + 1 + OVERLAP_WORDS] for word in later]
        made.append(
            Entry(
                item=item,
                segment=segment,
                words=spoken[number],
                marked=marked_places(segment.said.text),
                following=following[:OVERLAP_WORDS],
            )
        )
    return [entry for entry in made if entry.words]


def is_stop_word(word: str, stems: WordStems) -> bool:
    """Return whether a word is a stop word in any language of the index."""
    return None in stems[word]


def matches(node: Node, entry: Entry, stems: WordStems) -> bool:
    """Return whether an entry matches a query."""
    match node:
        case Word(text):
            return occurrences(node, entry, stems) > 0 or (is_stop_word(text, stems) and text in entry.words)
        case Phrase():
            return any(_has_phrase(way, entry) for way in spelled(node))
        case Without(part):
            return not matches(part, entry, stems)
        case Both(parts):
            return all(matches(part, entry, stems) for part in _weighty(parts, stems))
        case Either(parts):
            return any(matches(part, entry, stems) for part in parts)


def occurrences(word: Word, entry: Entry, stems: WordStems) -> int:
    """Return how often a word, or a word similar to it, occurs in any of its forms."""
    return stem_occurrences((word.text, *word.like), entry, stems)


def stem_occurrences(spoken: Iterable[str], entry: Entry, stems: WordStems) -> int:
    """Return how often words occur in any of their forms."""
    wanted = {stem for word in spoken for stem in stems[word] if stem is not None}
    return sum(entry.stems[stem] for stem in wanted)


def counted_leaves(node: Node, stems: WordStems) -> list[Word | Phrase]:
    """Return the words and phrases that count for the score: stop words only where there is nothing else."""
    found = list(dict.fromkeys(leaves(node)))
    kept = [leaf for leaf in found if not (isinstance(leaf, Word) and is_stop_word(leaf.text, stems))]
    return kept or found


def passes(filters: Filters, entry: Entry) -> bool:
    """Return whether an entry passes the filters."""
    return _item_passes(filters, entry.item.shown) and (
        not filters.of_segments or (entry.segment is not None and _segment_passes(filters, entry.segment))
    )


def _weighty(parts: Sequence[Node], stems: WordStems) -> Sequence[Node]:
    """Return the parts without stop words, where anything else is left that must be there."""
    kept = [part for part in parts if not (isinstance(part, Word) and is_stop_word(part.text, stems))]
    return kept if any(not isinstance(part, Without) for part in kept) else parts


def _has_phrase(phrase: Phrase, entry: Entry) -> bool:
    spoken = [*entry.words, *entry.following]
    return any(stands_at(phrase, spoken, start, entry.marked) for start in range(len(entry.words)))


def _item_passes(filters: Filters, item: FoundItem) -> bool:
    moment = item.published_at
    return (
        _among(item.library_slug, filters.libraries)
        and _among(item.dataset_id, filters.datasets)
        and _among(item.id, filters.items)
        and _among(item.source_type, filters.source_types)
        and _among(item.language, filters.languages)
        and (filters.published_from is None or (moment is not None and moment >= filters.published_from))
        and (filters.published_before is None or (moment is not None and moment < filters.published_before))
    )


def _segment_passes(filters: Filters, segment: IndexedSegment) -> bool:
    names = {name.lower() for name in (segment.label, segment.said.speaker) if name is not None}
    mentioned = {name.lower() for _, _, name in segment.entities}
    confidence = segment.said.confidence
    return (
        (filters.speakers is None or not names.isdisjoint(name.lower() for name in filters.speakers))
        and _among(segment.speaker_id, filters.speaker_ids)
        and (filters.entities is None or not mentioned.isdisjoint(name.lower() for name in filters.entities))
        and (filters.entity_ids is None or any(number in filters.entity_ids for number, _, _ in segment.entities))
        and (filters.min_confidence is None or (confidence is not None and confidence >= filters.min_confidence))
        and (filters.doubtful is not False or segment.said.quality != "doubtful")
    )


def _among(value: object, wanted: Sequence[object] | None) -> bool:
    return wanted is None or value in wanted
