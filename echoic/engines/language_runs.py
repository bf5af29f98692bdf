"""Finds the languages of a recording: runs of one language each, cut at pauses. Pure except for the callback.

One language is taken as the rule. A stretch is in another language only where that is clear and lasts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from echoic.records import LanguageRun, SpeechSpan

WINDOW_SECONDS = 30.0
"""The speech whose language is guessed at once; a Whisper encoder takes as long for less."""
PART_SECONDS = 8.0
"""The same where a change of language is suspected, and in recordings of at most ``FEW_WINDOWS``."""
FEW_WINDOWS = 2
MANY_WINDOWS = 6
"""The most windows of which each is guessed at first; of more, only every second one is."""
CLEAR_PROBABILITY = 0.8
LIKELY_PROBABILITY = 0.5
MIN_OTHER_SECONDS = 4.0
"""Shorter speech in another language is taken for a name or a quotation."""
MIN_GUESSED_SECONDS = 1.5

_KIN = ({"no", "nn", "da"}, {"hr", "sr", "bs"}, {"id", "ms"}, {"hi", "ur"}, {"es", "gl"})
"""Languages that a Whisper model takes for each other: they are not told apart within one recording."""

_LIKELY_AT_MOST = CLEAR_PROBABILITY - 0.01
"""What a weak guess says among a few languages may be likely, but is never clear."""

Guess = Callable[[Sequence[SpeechSpan]], tuple[str, float]]
"""Guesses the likeliest language of the speech in some spans, and its probability."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of the speech that is taken to be in one language."""

    spans: tuple[SpeechSpan, ...]
    guessed: str | None = None
    """None if the language was not guessed."""
    probability: float = 0.0
    language: str = ""

    @property
    def seconds(self) -> float:
        return sum(span.end - span.start for span in self.spans)


def likeliest(chances: Iterable[tuple[str, float]], among: Collection[str] = ()) -> tuple[str, float]:
    """Return the likeliest language and its probability; where that is weak, the likeliest ``among`` some, if any.

    Its probability is then its share of what these have together. ``chances`` are languages with their probabilities, at
    least one.
    """
    chances = list(chances)
    language, probability = max(chances, key=lambda one: one[1])
    few = [one for one in chances if one[0] in among]
    together = sum(chance for _, chance in few)
    if probability >= LIKELY_PROBABILITY or together <= 0.0:
        return language, probability
    language, probability = max(few, key=lambda one: one[1])
    return language, min(probability / together, _LIKELY_AT_MOST)


def find_language_runs(
    speech: Sequence[SpeechSpan], duration_seconds: float, guess: Guess, *, expected: str | None = None
) -> tuple[str, float, tuple[LanguageRun, ...]]:
    """Find the rule, its probability, and the runs, which cover the recording without gap or overlap.

    ``expected`` is the rule of an earlier part of the same recording. ``speech`` is not empty.
    """
    windows = _packed(speech, WINDOW_SECONDS)
    if len(windows) <= FEW_WINDOWS:
        parts = [_guessed(spans, guess) for window in windows for spans in _packed(window, PART_SECONDS)]
        rule = expected or _rule(parts)
    else:
        stride = 1 if len(windows) <= MANY_WINDOWS else 2
        first = [_guessed(spans, guess) if n % stride == 0 else Part(spans=spans) for n, spans in enumerate(windows)]
        rule = expected or _rule(first)
        parts = list(_closer(first, rule, stride, guess))
    parts = _with_exact_borders(_labeled(parts, rule), guess)
    of_rule = [part for part in parts if part.guessed is not None and part.language == rule]
    seconds = sum(part.seconds for part in of_rule)
    agreeing = sum(part.seconds * part.probability for part in of_rule if same_language(part.guessed, rule))
    probability = agreeing / seconds if seconds else 1.0
    return rule, probability, _runs(parts, probability, duration_seconds)


def joined_runs(runs: Sequence[LanguageRun]) -> list[LanguageRun]:
    """Join consecutive runs of one language, whether they are certain or not."""
    joined: list[LanguageRun] = []
    for run in runs:
        if joined and joined[-1].language == run.language:
            joined[-1] = replace(joined[-1], end=run.end, certain=joined[-1].certain and run.certain)
        else:
            joined.append(run)
    return joined


def speech_of(run: LanguageRun, speech: Sequence[SpeechSpan]) -> list[SpeechSpan]:
    """Return the speech whose middle lies in a run."""
    return [span for span in speech if run.start <= (span.start + span.end) / 2 < run.end]


def same_language(first: str | None, second: str) -> bool:
    """Return whether two languages are the same, or so similar that a model confuses them."""
    return first == second or any(first in kin and second in kin for kin in _KIN)


def _packed(speech: Sequence[SpeechSpan], seconds: float) -> list[tuple[SpeechSpan, ...]]:
    """Spans in groups of at most so many seconds of speech; a longer one stands alone, or is cut at ``WINDOW_SECONDS``."""
    groups: list[tuple[SpeechSpan, ...]] = []
    held = 0.0
    for span in speech:
        for piece in _cut(span):
            length = piece.end - piece.start
            if groups and held + length <= seconds:
                groups[-1] = (*groups[-1], piece)
                held += length
            else:
                groups.append((piece,))
                held = length
    return groups


def _cut(span: SpeechSpan) -> Iterator[SpeechSpan]:
    start = span.start
    while span.end - start > WINDOW_SECONDS:
        yield SpeechSpan(start=start, end=start + WINDOW_SECONDS)
        start += WINDOW_SECONDS
    yield SpeechSpan(start=start, end=span.end)


def _guessed(spans: Sequence[SpeechSpan], guess: Guess) -> Part:
    part = Part(spans=tuple(spans))
    if part.seconds < MIN_GUESSED_SECONDS:
        return part
    language, probability = guess(spans)
    return replace(part, guessed=language, probability=probability)


def _rule(parts: Sequence[Part]) -> str:
    """Return the language with the most seconds, weighted with the probability of each part.

    A guess that is more likely wrong than right is no answer: it counts only where there is no better one.
    """
    weights: dict[str, float] = {}
    likely = [part for part in parts if part.probability >= LIKELY_PROBABILITY]
    for part in likely or parts:
        if part.guessed is not None:
            weights[part.guessed] = weights.get(part.guessed, 0.0) + part.seconds * part.probability
    return max(weights, key=lambda language: weights[language], default="en")


def _closer(windows: Sequence[Part], rule: str, stride: int, guess: Guess) -> Iterator[Part]:
    """The windows, those in smaller parts that are suspected to be in another language, or are beside such a one."""
    suspected = [part.guessed is not None and not same_language(part.guessed, rule) for part in windows]
    for number, window in enumerate(windows):
        if any(suspected[max(0, number - stride) : number + stride + 1]):
            yield from (_guessed(spans, guess) for spans in _packed(window.spans, PART_SECONDS))
        else:
            yield window


def _labeled(parts: Sequence[Part], rule: str) -> list[Part]:
    """Give each part its language: the rule, unless a run in another language lasts and is clear in one part."""
    labeled = [replace(part, language=rule) for part in parts]
    first = 0
    while first < len(parts):
        language = parts[first].guessed
        end = first + 1
        while end < len(parts) and parts[end].guessed in (None, language):
            end += 1
        run = parts[first:end]
        likely = [part for part in run if part.guessed is not None and part.probability >= LIKELY_PROBABILITY]
        if (
            language is not None
            and not same_language(language, rule)
            and any(part.probability >= CLEAR_PROBABILITY for part in likely)
            and sum(part.seconds for part in likely) >= MIN_OTHER_SECONDS
        ):
            labeled[first:end] = [replace(part, language=language) for part in run]
        first = end
    for number, part in enumerate(labeled):
        beside = {near.language for near in (*labeled[max(0, number - 1) : number], *labeled[number + 1 : number + 2])}
        is_clear = part.guessed == rule and part.probability >= CLEAR_PROBABILITY
        if part.language == rule and not is_clear and len(beside) == 1:
            # What is not clearly in the rule goes with what is said around it.
            labeled[number] = replace(part, language=beside.pop())
    return labeled


def _with_exact_borders(parts: Sequence[Part], guess: Guess) -> list[Part]:
    """Return the parts, where the language changes with the border at the pause at which it does."""
    exact = list(parts)
    for number, (before, after) in enumerate(pairwise(parts)):
        if before.language == after.language:
            continue
        early, late = list(exact[number].spans), list(after.spans)
        while len(early) > 1 and _is_in(early[-1], after.language, guess):
            late.insert(0, early.pop())
        while len(late) > 1 and late[0] in after.spans and _is_in(late[0], before.language, guess):
            early.append(late.pop(0))
        exact[number] = replace(exact[number], spans=tuple(early))
        exact[number + 1] = replace(exact[number + 1], spans=tuple(late))
    return exact


def _is_in(span: SpeechSpan, language: str, guess: Guess) -> bool:
    part = _guessed((span,), guess)
    return part.guessed == language and part.probability >= CLEAR_PROBABILITY


def _runs(parts: Sequence[Part], probability: float, duration_seconds: float) -> tuple[LanguageRun, ...]:
    runs: list[LanguageRun] = []
    for part in parts:
        doubted = part.guessed is not None and not same_language(part.guessed, part.language)
        certain = probability >= LIKELY_PROBABILITY and not (doubted and part.probability >= LIKELY_PROBABILITY)
        start = (runs[-1].end + part.spans[0].start) / 2 if runs else 0.0
        if runs:
            runs[-1] = replace(runs[-1], end=start)
        if runs and (runs[-1].language, runs[-1].certain) == (part.language, certain):
            runs[-1] = replace(runs[-1], end=part.spans[-1].end)
        else:
            runs.append(LanguageRun(start=start, end=part.spans[-1].end, language=part.language, certain=certain))
    return (*runs[:-1], replace(runs[-1], end=duration_seconds))
