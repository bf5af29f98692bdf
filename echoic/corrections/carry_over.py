"""Repeats the corrections of a former transcript in the new one, where both say the same.

A correction is carried over as stretches of words that a person replaced, added or removed. Replaced and removed words
find their place where the new transcript says them at about the same time, added words where it says their neighbors. A
speaker whom a person gave to a segment is given again to what is said at that time. A correction without a place stays in
the former transcript, and a notice names it.
"""

import asyncio
import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import records
from echoic.corrections.edit import MAX_SEGMENT_CHARACTERS, Correction, correct
from echoic.corrections.given_speakers import give_again
from echoic.corrections.speakers import is_numbered, next_label
from echoic.db.speakers import appearances
from echoic.db.speakers.speakers import Naming
from echoic.db.transcripts import corrections, transcripts
from echoic.db.transcripts.transcripts import Transcript
from echoic.notices import Notice
from echoic.text.written import comparable, written_words
from echoic.wording import counted

NEAR_SECONDS = 2.0
"""The farthest that two engines place the same word apart. Of equal words within this time, the nearest is taken."""
REWRITTEN_SHARE = 0.5
"""A segment in which a person kept less than this share of the words counts as one replaced stretch: words that agree do
so by chance."""
MAX_LISTED = 50
"""The most corrections that a notice lists; it counts all."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A segment of the former transcript as the engines made it, and as people left it."""

    machine: records.Segment
    now: records.Segment


@dataclass(frozen=True, slots=True)
class _Token:
    """A word of a segment's text: its form for comparison, its place in the text, its time in seconds."""

    key: str
    first: int
    end: int
    start_seconds: float


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Words of a former segment that a person replaced by ``text``; empty where words were only added."""

    keys: tuple[str, ...]
    before: str | None
    """The words before and after the stretch; None at the edge of the segment."""
    after: str | None
    seconds: float
    text: str
    """The text between the neighbors now, with the blanks around it where words were added."""
    new_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Substitution:
    """A change in one segment of the new transcript: characters ``first`` to ``end`` become ``text``."""

    position: int
    first: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """The corrections that found a place in the new transcript, and those that did not."""

    texts: Mapping[int, str]
    """The corrected texts, by the places of segments in the new transcript."""
    left: Sequence[Pair]
    """The segments with a correction that found no place."""


def carry(corrected: Sequence[Pair], said: Sequence[records.Segment]) -> Carried:
    """Find a place for each correction in the new transcript. Pure."""
    words = _Said(said)
    by_place: dict[int, list[_Substitution]] = defaultdict(list)
    touched: dict[int, set[int]] = defaultdict(set)
    left: set[int] = set()
    for number, pair in enumerate(corrected):
        for stretch in _stretches(pair):
            places = words.substitutions(stretch)
            if places is None:
                left.add(number)
                break
            for one in places:
                by_place[one.position].append(one)
                touched[one.position].add(number)
    texts = {place: _substituted(said[place].text, ones) for place, ones in sorted(by_place.items())}
    for place in [place for place, text in texts.items() if len(text) > MAX_SEGMENT_CHARACTERS]:
        del texts[place]
        left |= touched[place]
    return Carried(
        texts={place: text for place, text in texts.items() if text != said[place].text},
        left=[corrected[number] for number in sorted(left)],
    )


async def carry_over(session: AsyncSession, *, before: Transcript, after: Transcript) -> list[Notice]:
    """Repeat the corrections of a transcript in another, as one version; returns a notice if some found no place.

    The caller holds the locks on the item and on the library's voices.
    """
    former = [transcripts.as_record(row) for row in await transcripts.list_segments(session, before.id)]
    states = await corrections.states_of_engines(session, before.id)
    pairs = [
        Pair(corrections.in_state(segment, states[place]), segment)
        for place, segment in enumerate(former)
        if place in states
    ]
    if not pairs:
        return []
    said = [transcripts.as_record(row) for row in await transcripts.list_segments(session, after.id)]
    carried = await asyncio.to_thread(carry, [pair for pair in pairs if pair.now.text != pair.machine.text], said)
    reassigned = [pair.now for pair in pairs if pair.now.speaker != pair.machine.speaker]
    given = await asyncio.to_thread(
        give_again, reassigned, former, said, is_numbered=is_numbered, next_label=next_label
    )
    wanted = {
        place: Correction(
            text=carried.texts.get(place), speaker=given.labels.get(place), reassigned=place in given.labels
        )
        for place in sorted({*carried.texts, *given.labels})
    }
    if wanted:
        namings = await _namings(session, before, given.made)
        await correct(session, after, wanted, account_id=None, namings=namings, kind="carried_over")
    return _notices([pair.now for pair in carried.left], given.left, version=before.version)


async def _namings(session: AsyncSession, before: Transcript, made: Mapping[str, str]) -> dict[str, Naming]:
    """Return the people named under new labels, by those whom people named under the former ones."""
    known = await appearances.namings_of(session, before.id) if made else {}
    return {
        label: Naming(speaker_id=known[old].speaker_id, how="by_hand")
        for label, old in made.items()
        if old in known and known[old].how in appearances.SAID
    }


def _notices(left: Sequence[records.Segment], moved: Sequence[records.Segment], *, version: int) -> list[Notice]:
    if not left and not moved:
        return []
    places = sorted({segment.position: segment for segment in (*left, *moved)}.items())
    parts = [f"text corrected in {counted(len(left), 'segment')}"] if left else []
    parts += [f"speakers given to {counted(len(moved), 'segment')}"] if moved else []
    message = (
        f"Of the former transcript, {' and '.join(parts)} found no place in this one; "
        f"version {version} keeps the corrections and can be restored."
    )
    detail: dict[str, Any] = {
        "version": version,
        "texts": len(left),
        "speakers": len(moved),
        # The texts are left out: all readers see notices, but only members of the library see former versions.
        "segments": [
            {"id": place, "start": segment.start, "end": segment.end} for place, segment in places[:MAX_LISTED]
        ],
    }
    return [Notice(code="corrections_not_carried", message=message, detail=detail)]


class _Said:
    """The words of the new transcript in the order of their times."""

    def __init__(self, segments: Sequence[records.Segment]) -> None:
        self._segments = segments
        tokens = [(token, place) for place, segment in enumerate(segments) for token in _tokens(segment)]
        self._tokens = [token for token, _ in tokens]
        self._places = [place for _, place in tokens]
        # In the order of the text. A word that begins before its predecessor counts as beginning with it.
        self._starts = list(_rising(token.start_seconds for token in self._tokens))
        self._taken: set[int] = set()
        self._filled: set[int] = set()

    def substitutions(self, stretch: _Stretch) -> list[_Substitution] | None:
        """Return the substitutions that repeat a stretch here; None where it has no place.

        The result is empty where the new transcript says the corrected words already.
        """
        if stretch.keys:
            at = self._find(stretch.keys, stretch.seconds)
            if at is not None:
                return self._replaced(at, stretch)
            return [] if not stretch.new_keys or self._find(stretch.new_keys, stretch.seconds) is not None else None
        if self._find(stretch.new_keys, stretch.seconds) is not None:
            return []
        return self._added(stretch)

    def _find(self, keys: Sequence[str], seconds: float) -> int | None:
        near = self._near(seconds)
        at = [
            first
            for first in near
            if all(
                first + step < len(self._tokens) and self._tokens[first + step].key == key
                for step, key in enumerate(keys)
            )
            and self._taken.isdisjoint(range(first, first + len(keys)))
        ]
        return min(at, key=lambda first: abs(self._starts[first] - seconds), default=None)

    def _near(self, seconds: float) -> range:
        return range(
            bisect.bisect_left(self._starts, seconds - NEAR_SECONDS),
            bisect.bisect_right(self._starts, seconds + NEAR_SECONDS),
        )

    def _replaced(self, at: int, stretch: _Stretch) -> list[_Substitution]:
        end = at + len(stretch.keys)
        self._taken.update(range(at, end))
        spans: dict[int, tuple[int, int]] = {}
        for number in range(at, end):
            token, place = self._tokens[number], self._places[number]
            spans[place] = (spans[place][0] if place in spans else token.first, token.end)
        first = self._places[at]
        return [
            _Substitution(place, *span, stretch.text.strip() if place == first else "") for place, span in spans.items()
        ]

    def _added(self, stretch: _Stretch) -> list[_Substitution] | None:
        near = self._near(stretch.seconds)
        # Words may also be added at the end of the transcript.
        for following in sorted(
            range(near.start, near.stop + 1), key=lambda at: abs(self._start(at) - stretch.seconds)
        ):
            place = None if following in self._filled else self._gap(following, stretch)
            if place is not None:
                self._filled.add(following)
                return [place]
        return None

    def _start(self, at: int) -> float:
        return self._starts[min(at, len(self._starts) - 1)] if self._starts else 0.0

    def _gap(self, following: int, stretch: _Stretch) -> _Substitution | None:
        """Return the gap before a word, if the words around it are the neighbors of the stretch.

        At the edge of a segment, only the neighbor in that segment counts.
        """
        left, right = following - 1, following
        has_left = 0 <= left < len(self._tokens)
        has_right = 0 <= right < len(self._tokens)
        if stretch.before is not None and not (has_left and self._tokens[left].key == stretch.before):
            return None
        if stretch.after is not None and not (has_right and self._tokens[right].key == stretch.after):
            return None
        if stretch.before is None and stretch.after is None:
            return None
        anchor = left if stretch.before is not None else right
        position = self._places[anchor]
        text = self._segments[position].text
        first = self._tokens[left].end if has_left and self._places[left] == position else 0
        end = self._tokens[right].first if has_right and self._places[right] == position else len(text)
        return _Substitution(position, first, end, stretch.text)


def _stretches(pair: Pair) -> Iterator[_Stretch]:
    old, new = _tokens(pair.machine), _tokens(pair.now)
    was = [pair.machine.text[token.first : token.end] for token in old]
    now = [pair.now.text[token.first : token.end] for token in new]
    opcodes = SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
    kept = SequenceMatcher(None, [token.key for token in old], [token.key for token in new], autojunk=False)
    if sum(block.size for block in kept.get_matching_blocks()) < REWRITTEN_SHARE * max(len(was), 1):
        opcodes = [("replace", 0, len(was), 0, len(now))]
    for tag, i1, i2, j1, j2 in opcodes:
        if tag == "equal":
            continue
        added = i1 == i2
        first = (new[j1 - 1].end if j1 else 0) if added else (new[j1].first if j1 < j2 else 0)
        end = (new[j2].first if j2 < len(new) else len(pair.now.text)) if added else (new[j2 - 1].end if j1 < j2 else 0)
        yield _Stretch(
            keys=tuple(token.key for token in old[i1:i2]),
            before=old[i1 - 1].key if i1 else None,
            after=old[i2].key if i2 < len(old) else None,
            seconds=old[i1].start_seconds if i1 < len(old) else pair.machine.end,
            text=pair.now.text[first:end],
            new_keys=tuple(token.key for token in new[j1:j2]),
        )


def _tokens(segment: records.Segment) -> list[_Token]:
    texts = [word.strip() for word in written_words(segment.text, [word.text for word in segment.words])]
    timed = len(texts) == len(segment.words)
    tokens = []
    end = 0
    for number, text in enumerate(texts):
        first = segment.text.index(text, end)
        end = first + len(text)
        share = first / max(len(segment.text), 1)
        start = segment.words[number].start if timed else segment.start + share * (segment.end - segment.start)
        tokens.append(_Token(comparable(text), first, end, start))
    return tokens


def _rising(times: Iterable[float]) -> Iterator[float]:
    latest = float("-inf")
    for time in times:
        latest = max(latest, time)
        yield latest


def _substituted(text: str, substitutions: Iterable[_Substitution]) -> str:
    for one in sorted(substitutions, key=lambda each: (each.first, each.end), reverse=True):
        text = text[: one.first] + one.text + text[one.end :]
    return " ".join(text.split())
