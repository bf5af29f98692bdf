"""Matches become hits: highlighted, with the segments around them. Pure; every engine loads the rows by itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from echoic.search.answer import Field, FoundItem, Hit, Said, Snippet
from echoic.search.highlight import Highlighter, Stems, escaped
from echoic.search.language import OVERLAP_WORDS, Node, Phrase, Word, leaves
from echoic.search.question import Search
from echoic.search.ranking import Match
from echoic.text.words import words

PHRASE_SEGMENTS = 2
"""A phrase that begins in a segment is marked if it ends in one of so many that follow."""

Segments = Mapping[tuple[int, int], Said]
"""Segments by transcript and position."""


def segments_around(search: Search) -> int:
    """Return how many segments are needed before and after each match: as context, and since a phrase may end there."""
    has_phrase = any(isinstance(leaf, Phrase) for leaf in leaves(search.tree))
    return max(PHRASE_SEGMENTS if has_phrase else 0, search.context_segments)


def is_there(match: Match, items: Mapping[int, FoundItem], segments: Segments) -> bool:
    """Return whether the match can still be shown: its item may be gone meanwhile, or have another transcript."""
    found = items.get(match.item_id)
    return found is not None and (match.segment_id is None or (found.transcript_id, match.position) in segments)


def shown_words(match: Match, found: FoundItem, segments: Segments) -> list[str]:
    """Return the words that are shown of a match."""
    shown = words(f"{found.title} {found.description}")
    if match.segment_id is not None:
        shown += words(segments[found.transcript_id, match.position].text)
    return shown


def corrections(tree: Node | None, hits: Iterable[Hit]) -> dict[str, tuple[str, ...]]:
    """Return for each word of the query the similar words that stand in the hits.

    Similar words that stand in no hit are left out: they may come from recordings that the account may not read.
    """
    like = {leaf.text: leaf.like for leaf in leaves(tree) if isinstance(leaf, Word) and leaf.like}
    if not like:
        return {}
    shown = {word for hit in hits for word in words(f"{hit.text} {hit.item.title}")}
    seen = {word: tuple(other for other in others if other in shown) for word, others in like.items()}
    return {word: others for word, others in seen.items() if others}


class HitMaker:
    """Makes the hits of one page.

    ``stems`` has the stems of the shown words for each item, in the language of the item; empty without highlights.
    """

    def __init__(
        self,
        search: Search,
        highlighter: Highlighter,
        items: Mapping[int, FoundItem],
        segments: Segments,
        stems: Mapping[int, Stems],
    ) -> None:
        self._search = search
        self._highlighter = highlighter
        self._items = items
        self._segments = segments
        self._stems = stems

    def make(self, matches: Sequence[Match]) -> tuple[Hit, ...]:
        """Return the hits of matches, in their order."""
        return tuple(self._item(match) if match.segment_id is None else self._segment(match) for match in matches)

    def _segment(self, match: Match) -> Hit:
        found = self._items[match.item_id]
        transcript_id = found.transcript_id
        said = self._segments[transcript_id, match.position]
        stems = self._stems.get(found.id, {})
        marked = self._highlighter.mark(said.text, stems, self._following(transcript_id, match.position))
        snippets = self._snippets(found, stems)
        if marked is not None:
            snippets = (Snippet(field="transcription", html=marked), *snippets)
        around = range(1, self._search.context_segments + 1)
        return self._hit(
            match,
            found,
            field="transcription",
            text=said.text,
            marked=marked,
            snippets=snippets,
            start=said.start,
            end=said.end,
            speaker=said.speaker,
            confidence=said.confidence,
            quality=said.quality,
            before=self._spoken((transcript_id, match.position - step) for step in reversed(around)),
            after=self._spoken((transcript_id, match.position + step) for step in around),
        )

    def _item(self, match: Match) -> Hit:
        """Return an item found by its title or its description."""
        found = self._items[match.item_id]
        snippets = self._snippets(found, self._stems.get(found.id, {}))
        field: Field = snippets[0].field if snippets else "title"
        return self._hit(
            match,
            found,
            field=field,
            text=found.title if field == "title" else found.description,
            marked=snippets[0].html if snippets else None,
            snippets=snippets,
            start=0.0,
            end=0.0,
        )

    def _hit(
        self,
        match: Match,
        found: FoundItem,
        *,
        text: str,
        marked: str | None,
        snippets: tuple[Snippet, ...],
        **fields: Any,
    ) -> Hit:
        return Hit(
            item=found,
            segment_id=match.segment_id,
            score=match.score,
            text=text,
            highlighted=(marked or escaped(text)) if self._search.highlight else None,
            snippets=snippets if self._search.highlight else (),
            **fields,
        )

    def _snippets(self, found: FoundItem, stems: Stems) -> tuple[Snippet, ...]:
        """Title and description, where they match."""
        title = self._highlighter.mark(found.title, stems)
        description = self._highlighter.snippet(found.description, stems)
        made = [Snippet(field="title", html=title)] if title is not None else []
        return (*made, *([Snippet(field="description", html=description)] if description is not None else []))

    def _following(self, transcript_id: int, position: int) -> list[str]:
        if not self._highlighter.phrases:
            return []
        found: list[str] = []
        while len(found) < OVERLAP_WORDS:
            position += 1
            later = self._segments.get((transcript_id, position))
            if later is None:
                break
            found += words(later.text)
        return found[:OVERLAP_WORDS]

    def _spoken(self, places: Iterable[tuple[int, int]]) -> tuple[Said, ...]:
        return tuple(said for said in map(self._segments.get, places) if said is not None)
