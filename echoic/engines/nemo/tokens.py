"""Makes words of the tokens of a transducer, which tells when each token begins, and of a text without times. Pure."""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from echoic.engines.heard import HeardWord
from echoic.engines.nemo.windows import Window, in_speech
from echoic.engines.told import NOT_TOLD
from echoic.text.timing import share_time
from echoic.text.written import letters, written_words

LAST_TOKEN_SECONDS = 0.32
"""The longest time for which a word goes on after its last token begins: the longest step of the decoder, 4 frames."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A part of a word, with the space before it if it begins one."""

    text: str
    start: float
    """In seconds from the start of the audio."""
    probability: float
    """``NOT_TOLD`` where the model gives none."""


def told_probabilities(logarithms: Sequence[float] | None, count: int) -> list[float]:
    """Return probabilities of tokens; ``NOT_TOLD`` where there are none or the numbers are no logarithms of any."""
    if logarithms is None or len(logarithms) != count or any(logarithm > 0 for logarithm in logarithms):
        return [NOT_TOLD] * count
    return [math.exp(logarithm) for logarithm in logarithms]


def to_words(tokens: Sequence[Token], end: float) -> list[HeardWord]:
    """Join tokens to words. A word ends where the next begins, or soon after its last token; at ``end`` at the latest.

    The decoder places punctuation late: it belongs to the word before it and does not make that longer.
    """
    grouped = [group for group in _by_word(tokens) if "".join(token.text for token in group).strip()]
    words: list[HeardWord] = []
    for index, group in enumerate(grouped):
        following = grouped[index + 1][0].start if index + 1 < len(grouped) else end
        said = [token for token in group if letters(token.text)] or group
        text = "".join(token.text for token in group)
        if words and not letters(text):
            words[-1] = replace(words[-1], text=words[-1].text + text.strip())
            continue
        start = min(said[0].start, end)
        until = max(start, min(following, said[-1].start + LAST_TOKEN_SECONDS, end))
        words.append(
            HeardWord(
                text=f" {text.strip()}",
                start=start,
                end=until,
                probability=sum(token.probability for token in said) / len(said),
            )
        )
    return words


def spread_over(text: str, window: Window, probability: float) -> list[HeardWord]:
    """Time the words of a text over the speech of a window, each by its share of the characters."""
    words = written_words(text)
    shares = share_time([word.strip() for word in words], 0.0, sum(span.end - span.start for span in window))
    return [
        HeardWord(text=word, start=start, end=end, probability=probability)
        for word, (start, end) in zip(words, in_speech(window, list(shares)), strict=True)
    ]


def compression_ratio(text: str) -> float:
    """Return how well a text packs, as Whisper measures it: a text that repeats itself packs well."""
    content = text.encode()
    return len(content) / len(zlib.compress(content)) if content else 0.0


def is_control(text: str) -> bool:
    """Say whether a token is a mark of the vocabulary, such as ``<unk>`` or ``<|nospeech|>``, and not text."""
    return text.strip().startswith("<") and text.strip().endswith(">")


def _by_word(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    group: list[Token] = []
    for token in tokens:
        if token.text.startswith(" ") and group:
            yield group
            group = []
        group.append(token)
    if group:
        yield group
