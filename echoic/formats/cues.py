"""Cuts a transcript into subtitle cues: at most two lines, in order, never overlapping, never without duration.

A segment's text decides what is shown; its words only decide when. Where they do not fit the text (it was corrected,
or there are none), times are spread evenly over the characters.
"""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Segment, Transcript
from echoic.text.timing import share_time

MAX_LINES = 2
USUAL_FILL = 0.85
"""The share of a line that is usually filled, as words are not broken."""
MAX_PAUSE_SECONDS = 1.5
"""A longer pause between two words ends the cue, so that nothing is shown long before it is said."""
MIN_CUE_MS = 500
"""A shorter cue stays on screen for so long where the next one leaves room."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cue:
    """A text that is shown from one moment to another."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str | None


@dataclass(frozen=True, slots=True)
class _Token:
    """A stretch of text that is not broken, with its times in seconds."""

    text: str
    start: float
    end: float
    speaker: str | None
    spaced: bool
    """True where a space stands before the token."""


def make_cues(transcript: Transcript, options: WriteOptions = USUAL, *, name_turns: bool = False) -> list[Cue]:
    """Return all cues of a transcript; ``name_turns`` puts a speaker's name before the first words of each turn.

    Segments without text yield none.
    """
    cues: list[Cue] = []
    speaker: str | None = None
    for segment in transcript.segments:
        pieces = _tokens(segment)
        if name_turns:
            pieces = list(_with_names(pieces, speaker))
        tokens = [token for piece in pieces for token in _narrowed(piece, options.max_line_columns)]
        speaker = tokens[-1].speaker if tokens else speaker
        for group in _groups(tokens, options):
            start = _milliseconds(group[0].start)
            if cues and start < cues[-1].end_ms:
                cues[-1] = _cut_short(cues[-1], start)
                start = max(start, cues[-1].end_ms)
            end = max(_milliseconds(group[-1].end), start + 1)
            cues.append(Cue(start_ms=start, end_ms=end, lines=tuple(_lines(group, options)), speaker=group[0].speaker))
    return [_held(cue, following) for cue, following in pairwise([*cues, None]) if cue is not None]


def clock(milliseconds: int, separator: str) -> str:
    """Return a time as ``01:02:03,456``."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{rest:03}"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _cut_short(cue: Cue, start_ms: int) -> Cue:
    """Return the cue, ended where somebody else begins: the next cue could not be read in the time left after it."""
    return replace(cue, end_ms=min(cue.end_ms, max(start_ms, cue.start_ms + MIN_CUE_MS)))


def _held(cue: Cue, following: Cue | None) -> Cue:
    end = max(cue.end_ms, cue.start_ms + MIN_CUE_MS)
    if following is not None:
        end = max(cue.end_ms, min(end, following.start_ms))
    return replace(cue, end_ms=end)


def _tokens(segment: Segment) -> list[_Token]:
    """Return the segment's text in stretches that are not broken unless they are wider than a line."""
    return _timed_by_words(segment) or _timed_by_length(segment)


def _with_names(tokens: Sequence[_Token], speaker: str | None) -> Iterator[_Token]:
    """Return the tokens with a name before the first of each turn; ``speaker`` spoke before them."""
    for token in tokens:
        if token.speaker != speaker and token.speaker is not None and token.speaker.split():
            name = f"{' '.join(token.speaker.split())}:"
            yield replace(token, text=name, end=token.start, spaced=True)
            token = replace(token, spaced=True)  # noqa: PLW2901 -- the same token, set apart from the name
        speaker = token.speaker
        yield token


def _timed_by_words(segment: Segment) -> list[_Token]:
    """Return one token a word; none where the words do not spell the text."""
    tokens: list[_Token] = []
    rest = segment.text
    for word in segment.words:
        stripped = rest.lstrip()
        if word.text.split() != [word.text] or not stripped.startswith(word.text):
            return []
        end = max(word.start, word.end)
        spaced = len(stripped) < len(rest)
        tokens.append(_Token(word.text, word.start, end, word.speaker or segment.speaker, spaced))
        rest = stripped.removeprefix(word.text)
    return tokens if not rest.strip() else []


def _timed_by_length(segment: Segment) -> list[_Token]:
    parts = segment.text.split()
    times = share_time(parts, segment.start, max(segment.start, segment.end))
    return [
        _Token(part, start, end, segment.speaker, spaced=True) for part, (start, end) in zip(parts, times, strict=True)
    ]


def _narrowed(token: _Token, max_columns: int) -> Iterator[_Token]:
    """Yield the token, or its parts where it is wider than a line, as in scripts without spaces."""
    if _columns(token.text) <= max_columns:
        yield token
        return
    size = max_columns // 2
    texts = [token.text[first : first + size] for first in range(0, len(token.text), size)]
    times = share_time(texts, token.start, token.end)
    for number, (text, (start, end)) in enumerate(zip(texts, times, strict=True)):
        yield replace(token, text=text, start=start, end=end, spaced=token.spaced and number == 0)


def _groups(tokens: Sequence[_Token], options: WriteOptions) -> Iterator[list[_Token]]:
    """Tokens that are shown together."""
    for stretch in _stretches(tokens):
        aim = _aim(stretch, options)
        group: list[_Token] = []
        for token in stretch:
            full = len(_lines([*group, token], options)) > MAX_LINES or (
                bool(group) and token.end - group[0].start > options.max_cue_seconds
            )
            if group and (full or _columns(_joined(group)) >= aim):
                yield group
                group = []
            group.append(token)
        yield group


def _stretches(tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    """Cut where a cue of any length must end: at a pause and where the speaker changes."""
    stretch: list[_Token] = []
    for token in tokens:
        if stretch and (token.speaker != stretch[-1].speaker or token.start - stretch[-1].end > MAX_PAUSE_SECONDS):
            yield stretch
            stretch = []
        stretch.append(token)
    if stretch:
        yield stretch


def _aim(stretch: Sequence[_Token], options: WriteOptions) -> float:
    """Return the width at which a cue is closed: an even share, so that the last cue does not hold a single word."""
    columns = _columns(_joined(stretch))
    by_space = columns / (MAX_LINES * options.max_line_columns * USUAL_FILL)
    by_time = (stretch[-1].end - stretch[0].start) / options.max_cue_seconds
    return columns / math.ceil(max(by_space, by_time, 1))


def _lines(tokens: Sequence[_Token], options: WriteOptions) -> list[str]:
    lines: list[str] = []
    for token in tokens:
        longer = f"{lines[-1]} {token.text}" if lines and token.spaced else f"{lines[-1]}{token.text}" if lines else ""
        if lines and _columns(longer) <= options.max_line_columns:
            lines[-1] = longer
        else:
            lines.append(token.text)
    return lines


def _joined(tokens: Sequence[_Token]) -> str:
    return "".join(f" {token.text}" if token.spaced else token.text for token in tokens).strip()


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
