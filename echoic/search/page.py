"""One page of matches becomes hits: loaded, highlighted, with what was said around them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search import hits
from echoic.db.search.hits import FoundItem, FoundSegment
from echoic.db.search.lexemes import DICTIONARIES, OVERLAP_WORDS, PLAIN
from echoic.db.search.start import Match
from echoic.search.highlight import Highlighter, escaped
from echoic.search.language import Node, Phrase, Word, leaves
from echoic.search.port import Field, Hit, Said, Snippet
from echoic.search.stems import StemMemory, Stems
from echoic.text.words import words

PHRASE_SEGMENTS = 2
"""A phrase that begins in a segment is marked if it ends in one of so many that follow."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is to be shown."""

    matches: Sequence[Match]
    query: Node | None
    query_stems: Mapping[str, Sequence[str | None]]
    dictionaries: Sequence[str]
    """Those that entries were made with."""
    highlight: bool
    context_segments: int


@dataclass(frozen=True, kw_only=True)
class ShownPage:
    """Hits in the order of their matches."""

    hits: tuple[Hit, ...]
    corrections: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class _Loaded:
    items: Mapping[int, FoundItem]
    segments: Mapping[tuple[int, int], FoundSegment]
    """By transcript and position."""


async def load_page(session: AsyncSession, page: Page, memory: StemMemory) -> ShownPage:
    """Load what the matches show. What is gone meanwhile is left out."""
    loaded = await _load(session, page)
    found = [match for match in page.matches if _is_there(match, loaded)]
    stems = await _stems(session, page, found, loaded, memory) if page.highlight and page.query is not None else {}
    hits = _Hits(page, loaded, stems)
    shown = [hits.about(match) if match.segment_id is None else hits.said(match) for match in found]
    return ShownPage(hits=tuple(shown), corrections=_corrections(page.query, shown))


async def _load(session: AsyncSession, page: Page) -> _Loaded:
    if not page.matches:
        return _Loaded(items={}, segments={})
    segment_ids = [match.segment_id for match in page.matches if match.segment_id is not None]
    # A phrase may end in those after it.
    has_phrase = any(isinstance(leaf, Phrase) for leaf in leaves(page.query))
    around = max(PHRASE_SEGMENTS if has_phrase else 0, page.context_segments)
    return _Loaded(
        items=await hits.found_items(session, [match.item_id for match in page.matches]),
        segments=await hits.found_segments(session, segment_ids, around=around) if segment_ids else {},
    )


def _is_there(match: Match, loaded: _Loaded) -> bool:
    found = loaded.items.get(match.item_id)
    if found is None:
        return False
    return match.segment_id is None or (found.transcript_id, match.position) in loaded.segments


def _dictionary(page: Page, found: FoundItem) -> str:
    """The dictionary for the words of an item; the server may lack that of its language."""
    wanted = DICTIONARIES.get(found.language or "", PLAIN)
    return wanted if wanted in page.dictionaries else PLAIN


async def _stems(
    session: AsyncSession, page: Page, matches: Sequence[Match], loaded: _Loaded, memory: StemMemory
) -> dict[str, Stems]:
    """The stems of all words that are shown, by dictionary."""
    spoken: dict[str, set[str]] = {}
    for match in matches:
        found = loaded.items[match.item_id]
        shown = spoken.setdefault(_dictionary(page, found), set())
        shown.update(words(f"{found.title} {found.description}"))
        if match.segment_id is not None:
            shown.update(words(loaded.segments[found.transcript_id, match.position].text))
    return {name: await memory.of(session, name, shown) for name, shown in spoken.items()}


class _Hits:
    """Makes hits of matches."""

    def __init__(self, page: Page, loaded: _Loaded, stems: Mapping[str, Stems]) -> None:
        self._page = page
        self._loaded = loaded
        self._stems = stems
        self._highlighter = Highlighter.of(page.query, page.query_stems)

    def said(self, match: Match) -> Hit:
        """A segment."""
        found = self._loaded.items[match.item_id]
        transcript_id = found.transcript_id
        row = self._loaded.segments[transcript_id, match.position]
        stems = self._stems.get(_dictionary(self._page, found), {})
        marked = self._highlighter.mark(row.text, stems, self._following(transcript_id, match.position))
        snippets = self._snippets(found, stems)
        if marked is not None:
            snippets = (Snippet(field="transcription", html=marked), *snippets)
        around = range(1, self._page.context_segments + 1)
        return self._hit(
            match,
            found,
            field="transcription",
            text=row.text,
            marked=marked,
            snippets=snippets,
            start=row.start,
            end=row.end,
            speaker=row.speaker,
            confidence=row.confidence,
            before=self._spoken((transcript_id, match.position - step) for step in reversed(around)),
            after=self._spoken((transcript_id, match.position + step) for step in around),
        )

    def about(self, match: Match) -> Hit:
        """An item, by what its title or its description says."""
        found = self._loaded.items[match.item_id]
        stems = self._stems.get(_dictionary(self._page, found), {})
        snippets = self._snippets(found, stems)
        field: Field = snippets[0].field if snippets else "title"
        text = found.title if field == "title" else found.description
        return self._hit(
            match,
            found,
            field=field,
            text=text,
            marked=snippets[0].html if snippets else None,
            snippets=snippets,
            start=0.0,
            end=0.0,
            speaker=None,
            confidence=None,
            before=(),
            after=(),
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
            segment_id=match.segment_id,
            score=match.score,
            text=text,
            highlighted=(marked or escaped(text)) if self._page.highlight else None,
            snippets=snippets if self._page.highlight else (),
            item_id=found.id,
            item_title=found.title,
            source_type=found.source_type,
            language=found.language,
            published_at=found.published_at,
            dataset_id=found.dataset_id,
            dataset_name=found.dataset_name,
            library_slug=found.library_slug,
            **fields,
        )

    def _snippets(self, found: FoundItem, stems: Stems) -> tuple[Snippet, ...]:
        """Of title and description, where they match."""
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
            later = self._loaded.segments.get((transcript_id, position))
            if later is None:
                break
            found += words(later.text)
        return found[:OVERLAP_WORDS]

    def _spoken(self, places: Iterable[tuple[int, int]]) -> tuple[Said, ...]:
        rows = map(self._loaded.segments.get, places)
        return tuple(
            Said(start=row.start, end=row.end, speaker=row.speaker, text=row.text) for row in rows if row is not None
        )


def _corrections(query: Node | None, hits: Iterable[Hit]) -> dict[str, tuple[str, ...]]:
    """Of the words like those searched for, only those that stand in the hits: others may be nobody else's business."""
    like = {leaf.text: leaf.like for leaf in leaves(query) if isinstance(leaf, Word) and leaf.like}
    if not like:
        return {}
    shown = {word for hit in hits for word in words(f"{hit.text} {hit.item_title}")}
    seen = {word: tuple(other for other in others if other in shown) for word, others in like.items()}
    return {word: others for word, others in seen.items() if others}
