"""Entities: the people, organizations, places and products that the transcript names, and where."""

import asyncio
import bisect
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from echoic.db.transcripts import entities
from echoic.db.transcripts.entities import FoundMention
from echoic.db.transcripts.transcripts import Segment
from echoic.engines.languages import NAMES
from echoic.engines.models.spacy_models import TAGGERS
from echoic.engines.protocols import EntityTagger
from echoic.names.known import find_in_any_language
from echoic.names.meant import names_meant
from echoic.notices import Notice
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import UNKNOWN_LANGUAGE, Span
from echoic.stages.tools import Tools
from echoic.stages.transcript import open_transcript
from echoic.text.doubt import is_unlikely

SEGMENT_GAP = " "
SPACY = "spacy"
"""The tagger that takes further languages by a setting."""


async def run(context: StageContext[Tools]) -> StageOutput:
    """Tag the transcript as one running text: a name split between two segments is still one name."""
    tools = context.tools
    opened = await open_transcript(context)
    transcript_id, segments = opened.transcript.id, opened.segments
    text = SEGMENT_GAP.join(segment.text for segment in segments)

    rule = opened.transcript.language

    def tag() -> tuple[tuple[Span, ...], list[Notice]]:
        with tools.engines.entity_tagger.use() as tagger:
            spoken = {segment.language or rule for segment in segments if segment.text.strip()}
            foreign = sorted(str(language) for language in spoken if not knows(tagger, language))
            spans: list[Span] = []
            for language in spoken:
                if knows(tagger, language):
                    # Segments in other languages, and unlikely ones, become blanks, so that places stay the same.
                    own = _only_in({language}, segments, rule)
                    spans += tagger.tag(own, None if language == UNKNOWN_LANGUAGE else language)
            spans.sort(key=lambda span: span.start)
        if not foreign:
            return tuple(spans), []
        others = _only_in(set(foreign), segments, rule)
        listed = find_in_any_language(others)
        return tuple(sorted([*spans, *listed], key=lambda span: span.start)), [
            not_available(foreign, tools.engines.entity_tagger.id.name)
        ]

    spans, notices = await asyncio.to_thread(tag) if text.strip() else ((), [])
    found = locate(spans, names_meant(text, spans), segments)
    return StageOutput(
        output={"mentions": len(found), "engine": tools.engines.entity_tagger.id.label},
        notices=notices,
        write=lambda session: entities.replace_entities(
            session, item_id=context.item_id, transcript_id=transcript_id, found=found
        ),
    )


def knows(tagger: EntityTagger, language: str | None) -> bool:
    """Return whether the tagger knows a language. A text of unknown language is tagged, too."""
    return tagger.languages is None or language in (None, UNKNOWN_LANGUAGE) or language in tagger.languages


def _only_in(languages: Collection[str | None], segments: Sequence[Segment], rule: str | None) -> str:
    """Return the running text, with blanks in place of unlikely segments and of those in other languages.

    ``rule`` is the transcript's language.
    """

    def is_read(segment: Segment) -> bool:
        return (segment.language or rule) in languages and not is_unlikely(segment.quality, segment.confidence)

    return SEGMENT_GAP.join(s.text if is_read(s) else " " * len(s.text) for s in segments)


def not_available(languages: Sequence[str], tagger: str) -> Notice:
    """Return the notice of languages that a tagger does not know, with what its operator can do about it."""
    told = [NAMES[code].title() if code in NAMES else code for code in languages]
    names = " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))
    message = (
        f"Names said in {names} may be missing: this server has no model that finds names in {names}, so only well-known "
        "ones that are the same in every language were looked for there."
    )
    addable = [code for code in languages if code in TAGGERS]
    if tagger == SPACY and addable:
        message += f" To have one fetched, its operator adds {','.join(addable)} to ECHOIC_ENTITY_LANGUAGES."
    return Notice(
        code="entities_not_available", message=message, detail={"language": languages[0], "languages": list(languages)}
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _PlacedWord:
    start_offset: int
    end_offset: int
    segment_id: int
    start: float
    end: float


def locate(spans: Sequence[Span], names: Sequence[str], segments: Sequence[Segment]) -> list[FoundMention]:
    """Find the segment and the times of each span of the running text, in time linear in words and spans. Pure."""
    words = _place_words(segments)
    ends = [word.end_offset for word in words]
    found = []
    for span, name in zip(spans, names, strict=True):
        first = bisect.bisect_right(ends, span.start)
        if first == len(words):
            continue
        last = max(first, bisect.bisect_left(ends, span.end))
        last = min(last, len(words) - 1)
        if words[last].start_offset >= span.end:
            last = max(first, last - 1)
        found.append(
            FoundMention(
                type=span.type,
                name=name,
                segment_id=words[first].segment_id,
                start=words[first].start,
                end=words[last].end,
                text=span.text,
                confidence=span.confidence,
            )
        )
    return found


def _place_words(segments: Sequence[Segment]) -> list[_PlacedWord]:
    placed = []
    base = 0
    for segment in segments:
        offset = 0
        for word in segment.words:
            at = segment.text.find(word["text"], offset)
            if at < 0:
                continue  # An edited text may lack a word that was heard.
            offset = at + len(word["text"])
            placed.append(
                _PlacedWord(
                    start_offset=base + at,
                    end_offset=base + offset,
                    segment_id=segment.id,
                    start=word["start"],
                    end=word["end"],
                )
            )
        if not segment.words and segment.text:
            placed.append(
                _PlacedWord(
                    start_offset=base,
                    end_offset=base + len(segment.text),
                    segment_id=segment.id,
                    start=segment.start,
                    end=segment.end,
                )
            )
        base += len(segment.text) + len(SEGMENT_GAP)
    return placed
