"""A transcript as it may be shown: marks in place of what a policy hides, and the times to be muted in its sound."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from echoic.notices import Notice
from echoic.records import Segment, SpeechSpan, Transcript, Word
from echoic.redaction.digits import Found
from echoic.redaction.policy import Kind, Policy, mark
from echoic.redaction.spans import find_spans
from echoic.text.places import places_of_words
from echoic.wording import counted

HIDDEN_LABEL = "HIDDEN"
_NUMBERED = re.compile(r"SPEAKER_\d+")
NAMES: Mapping[Kind, tuple[str, str]] = {
    "email": ("e-mail address", "e-mail addresses"),
    "iban": ("bank account", "bank accounts"),
    "card": ("card number", "card numbers"),
    "phone": ("telephone number", "telephone numbers"),
    "address": ("postal address", "postal addresses"),
    "person": ("name of a person", "names of people"),
    "word": ("listed word", "listed words"),
}
"""For people: one, and many."""
BETWEEN_SEGMENTS = "\n"
"""Stands for the border of two segments: a number may begin in one and end in the next."""
MUTED_AROUND_SECONDS = 0.25
"""So much is muted before and after the words of a span: the times of words are that exact."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Redacted:
    """A transcript as it may be shown."""

    transcript: Transcript
    counts: Mapping[Kind, int]
    """How many spans of each kind were hidden, over all segments."""
    muted: tuple[SpeechSpan, ...]
    """The stretches of the recording in which something hidden is said, or nobody knows what, in order and without overlap."""
    touched: frozenset[int]
    """The places, from 0, of the segments in which something is hidden."""
    labels: Mapping[str, str]
    """Labels of speakers that somebody wrote and that are hidden, with those that are shown instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """All segments of a transcript as the engines made them, which people corrected since; the sound says this."""

    segments: Sequence[Segment]
    people: Collection[str]
    """The names of the persons that were mentioned in it."""


def redact(
    transcript: Transcript, policy: Policy, people: Collection[str] = (), *, heard: Heard | None = None
) -> Redacted:
    """Return a whole transcript with what the policy hides replaced, names of speakers included.

    ``people`` are the names of the persons that are mentioned in it. A span that runs over the border of two segments is
    one span with a mark in each. The words of a span become one word, from the start of its first to the end of its last.
    What the policy hides in ``heard`` is muted as well: who takes a number out of the text leaves it in the sound.
    """
    hidden = _hidden(transcript.segments, policy, people)
    muted = [*_unread(transcript.notices), *hidden.silent]
    if heard is not None:
        muted += _hidden(heard.segments, policy, heard.people).silent
    labels = _shown_labels(transcript.speakers, policy, people)
    names = {
        labels.get(label, label): name for label, name in transcript.names.items() if not hides(policy, name, people)
    }
    shown = [_relabelled(segment, labels) for segment in hidden.shown] if labels else hidden.shown
    return Redacted(
        transcript=replace(
            transcript,
            segments=tuple(shown),
            speakers=tuple(labels.get(label, label) for label in transcript.speakers),
            names=names,
            notices=(*transcript.notices, notice(policy, hidden.counts)),
        ),
        counts=hidden.counts,
        muted=_joined(muted),
        touched=frozenset(hidden.touched),
        labels=labels,
    )


@dataclass(slots=True)
class _Hidden:
    """Segments with marks, and what was hidden in them."""

    counts: Counter[Kind]
    shown: list[Segment] = field(default_factory=list)
    silent: list[SpeechSpan] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)


def _hidden(segments: Sequence[Segment], policy: Policy, people: Collection[str]) -> _Hidden:
    spans = find_spans(BETWEEN_SEGMENTS.join(segment.text for segment in segments), policy, people)
    hidden = _Hidden(Counter(span.kind for span in spans))
    for place, (segment, within) in enumerate(zip(segments, _by_segment(segments, spans), strict=True)):
        # Words are the text cut into pieces; where they are not, they are searched by themselves.
        ranges = places_of_words(segment.text, (word.text for word in segment.words))
        strange = [] if ranges is not None else find_spans(_said(segment.words), policy, people)
        if not within and not strange:
            hidden.shown.append(segment)
            continue
        hidden.counts.update(span.kind for span in strange if not within)
        shown, silent = _hide(segment, within or strange, ranges, strange=bool(strange and not within))
        hidden.shown.append(shown)
        hidden.silent += silent
        hidden.touched.add(place)
    return hidden


def names_of_speakers(transcript: Transcript) -> set[str]:
    """Return the names and written labels of a transcript's speakers; numbered labels are none."""
    return {*transcript.names.values(), *(label for label in transcript.speakers if not _NUMBERED.fullmatch(label))}


def hides(policy: Policy, name: str, people: Collection[str] = ()) -> bool:
    """Return whether a policy hides the name of a speaker, or anything in it."""
    return "person" in policy.kinds or bool(find_spans(name, policy, people))


def notice(policy: Policy, counts: Mapping[Kind, int] | None = None) -> Notice:
    """Return the notice that tells a reader of the redaction, with the number of spans where that is known."""
    kinds = list(policy.shown_kinds)
    looked_for = ", ".join(NAMES[kind][1] for kind in kinds)
    if counts is None:
        return Notice(
            code="redacted", message=f"Hidden from you where they are found: {looked_for}.", detail={"kinds": kinds}
        )
    total = sum(counts.values())
    each = {kind: counts[kind] for kind in policy.shown_kinds if counts.get(kind)}
    told = ", ".join(counted(number, *NAMES[kind]) for kind, number in each.items())
    message = (
        f"Hidden from you: {told}. Looked for: {looked_for}."
        if total
        else f"Looked for, and not found: {looked_for}. Nothing is hidden."
    )
    return Notice(code="redacted", message=message, detail={"kinds": kinds, "spans": total, "by_kind": each})


def _unread(notices: Iterable[Notice]) -> Iterator[SpeechSpan]:
    """Yield the stretches of speech that no word covers: nobody knows what is said there."""
    for one in notices:
        if one.code == "speech_unread":
            for stretch in one.detail["stretches"]:
                yield SpeechSpan(start=stretch["start"], end=stretch["end"])


def _shown_labels(speakers: Sequence[str], policy: Policy, people: Collection[str]) -> dict[str, str]:
    """Return other labels for those that people wrote and that are hidden; numbered ones tell nothing."""
    hidden = [one for one in speakers if not _NUMBERED.fullmatch(one) and hides(policy, one, people)]
    return {label: f"{HIDDEN_LABEL}_{number:02}" for number, label in enumerate(hidden)}


def _relabelled(segment: Segment, labels: Mapping[str, str]) -> Segment:
    words = tuple(replace(word, speaker=labels.get(word.speaker or "", word.speaker)) for word in segment.words)
    return replace(segment, speaker=labels.get(segment.speaker or "", segment.speaker), words=words)


def _by_segment(segments: Sequence[Segment], spans: Sequence[Found]) -> Iterator[list[Found]]:
    """Yield for each segment the spans in it, in characters of its own text."""
    start = number = 0
    for segment in segments:
        end = start + len(segment.text)
        while number < len(spans) and spans[number].end <= start:
            number += 1
        within = []
        for span in spans[number:]:
            if span.start >= end:
                break
            within.append(Found(max(span.start, start) - start, min(span.end, end) - start, span.kind))
        yield within
        start = end + len(BETWEEN_SEGMENTS)


def _said(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _hide(
    segment: Segment, spans: Sequence[Found], ranges: list[tuple[int, int]] | None, *, strange: bool
) -> tuple[Segment, list[SpeechSpan]]:
    """Return the segment with marks, and what of it is muted: all of it where the words do not tell where the spans are.

    ``strange`` spans are those of the words, whose text is not the segment's.
    """
    text = _marked(_said(segment.words) if strange else segment.text, spans)
    if not ranges:
        one = Word(text=text, start=segment.start, end=segment.end, score=1.0, speaker=segment.speaker)
        whole = [SpeechSpan(start=segment.start, end=segment.end)]
        return replace(segment, text=text, words=(one,) if segment.words else ()), whole
    words: list[Word] = []
    silent: list[SpeechSpan] = []
    number = 0
    while number < len(ranges):
        (start, end), last = ranges[number], number
        # A word may touch two spans, and a span several words: all of them together become one word.
        while True:
            touching = [span for span in spans if span.start < end and start < span.end]
            end = max([end, *(span.end for span in touching)])
            further = last
            while further + 1 < len(ranges) and ranges[further + 1][0] < end:
                further += 1
            if further == last:
                break
            last, end = further, max(end, ranges[further][1])
        group = segment.words[number : last + 1]
        if touching:
            start = min([start, *(span.start for span in touching)])
            words.append(
                replace(group[0], text=_marked(segment.text, touching, start, end), end=group[-1].end, score=1.0)
            )
            silent.append(SpeechSpan(start=group[0].start, end=group[-1].end))
        else:
            words += group
        number = last + 1
    return replace(segment, text=text, words=tuple(words)), silent


def _marked(text: str, spans: Sequence[Found], start: int = 0, end: int | None = None) -> str:
    """Return a part of a text with marks in place of spans, which lie within the part."""
    shown, cursor = "", start
    for span in spans:
        shown += text[cursor : span.start] + mark(span.kind)
        cursor = span.end
    return shown + text[cursor : len(text) if end is None else end]


def _joined(muted: Sequence[SpeechSpan]) -> tuple[SpeechSpan, ...]:
    wider = sorted((max(0.0, span.start - MUTED_AROUND_SECONDS), span.end + MUTED_AROUND_SECONDS) for span in muted)
    joined: list[tuple[float, float]] = []
    for start, end in wider:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(SpeechSpan(start=start, end=end) for start, end in joined)
