"""Finds sentences that look made up or shortened, has them decoded again, keeps the better text and marks doubtful ones.

A Whisper decoder never says that it heard nothing: over noise, music or a voice it cannot follow it writes fluent
sentences, and now and then it falls into a loop, or skips words and stretches one over their time. Pure but for the
callback.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from echoic.engines.heard import HeardSegment, HeardWord
from echoic.records import LanguageRun, SpeechSpan
from echoic.text.coverage import spoken_seconds

DOUBTFUL_PROBABILITY = 0.5
"""Mean probability of a sentence's words below which it is more likely wrong than right."""
CLEARLY_BETTER = 0.05
"""The least lead in mean probability by which a second text replaces the first."""
MAX_NO_SPEECH_PROBABILITY = 0.6
"""Whisper's own bound: above it, a text that is also unlikely is taken for none."""
MIN_SPEECH_SHARE = 0.2
"""The least share of a sentence's time that the detector takes for speech; with less, probably nobody said it."""
LOOP_REPEATS = 4
LOOP_WORDS = 4
"""A loop of the decoder: up to ``LOOP_WORDS`` words, repeated ``LOOP_REPEATS`` times in a row."""
ISOLATED_SECONDS = 5.0
"""A sentence so far from every other is more likely a noise than the first word of what comes much later."""
MAX_WORD_SECONDS = 2.0
"""A word that takes longer, and is no number, stands for words that were skipped, if speech fills its time."""
FILLED_SHARE = 0.8
"""The least share of a word's time that speech fills, for that."""
MARGIN_SECONDS = 0.2
"""The audio added on either side of a sentence that is decoded again, where its neighbors leave room."""

DecodeSpan = Callable[[SpeechSpan], Sequence[HeardSegment]]


def look_again(
    sentences: Sequence[HeardSegment], speech: Sequence[SpeechSpan], duration_seconds: float, decode: DecodeSpan
) -> list[HeardSegment]:
    """Return the sentences, with doubtful ones replaced, marked or left out.

    ``decode`` decodes a span of the audio again; its times count from the start of the audio.
    """
    kept: list[HeardSegment] = []
    for index, sentence in enumerate(sentences):
        doubtful = is_doubtful(sentence, speech)
        if not doubtful and not skips_words(sentence, speech):
            kept.append(sentence)
            continue
        earliest = kept[-1].words[-1].end if kept else 0.0
        latest = sentences[index + 1].words[0].start if index + 1 < len(sentences) else duration_seconds
        again = decode(_span(sentence, earliest, latest))
        if not doubtful:
            kept.extend(_fuller(sentence, speech, again))
            continue
        if _is_isolated(sentences, index) and not any(segment.words for segment in again):
            continue
        kept.extend(_better(sentence, speech, again))
    return kept


def heard_otherwise(
    sentences: Sequence[HeardSegment], run: LanguageRun, again: Sequence[HeardSegment], speech: Sequence[SpeechSpan]
) -> list[HeardSegment]:
    """Return the sentences, those of a run in an uncertain language replaced if it reads clearly better in another.

    ``again`` is the run, decoded in the other language.
    """
    inside = [_middle(sentence) >= run.start and _middle(sentence) < run.end for sentence in sentences]
    old = [word for sentence, is_inside in zip(sentences, inside, strict=True) if is_inside for word in sentence.words]
    heard = [segment for segment in again if segment.words]
    words = [word for segment in heard for word in segment.words]
    likely = mean_probability(words) if words else 0.0
    if likely < DOUBTFUL_PROBABILITY or (old and likely <= mean_probability(old) + CLEARLY_BETTER):
        return list(sentences)
    found = [replace(segment, repaired=True, doubtful=is_doubtful(segment, speech)) for segment in heard]
    before = [sentence for sentence in sentences if _middle(sentence) < run.start]
    return [*before, *found, *(sentence for sentence in sentences if _middle(sentence) >= run.end)]


def _middle(sentence: HeardSegment) -> float:
    return (sentence.words[0].start + sentence.words[-1].end) / 2


def _is_isolated(sentences: Sequence[HeardSegment], index: int) -> bool:
    """Return whether there are other sentences, but none near this one."""
    start, end = sentences[index].words[0].start, sentences[index].words[-1].end
    gaps = [start - other.words[-1].end for other in sentences[max(0, index - 1) : index]]
    gaps += [other.words[0].start - end for other in sentences[index + 1 : index + 2]]
    return bool(gaps) and min(gaps) >= ISOLATED_SECONDS


def is_doubtful(sentence: HeardSegment, speech: Sequence[SpeechSpan]) -> bool:
    """Return whether a sentence looks made up: unlikely words, a loop, or words where nobody speaks."""
    return (
        mean_probability(sentence.words) < DOUBTFUL_PROBABILITY
        or is_loop([word.text.strip().lower() for word in sentence.words])
        or _speech_share(sentence, speech) < MIN_SPEECH_SHARE
    )


def skips_words(sentence: HeardSegment, speech: Sequence[SpeechSpan]) -> bool:
    """Return whether a word is stretched over speech that it cannot fill by itself."""
    return any(
        word.end - word.start > MAX_WORD_SECONDS
        and not any(sign.isdigit() for sign in word.text)
        and _speech_share(replace(sentence, words=(word,)), speech) >= FILLED_SHARE
        for word in sentence.words
    )


def is_loop(words: Sequence[str]) -> bool:
    """Return whether up to ``LOOP_WORDS`` words follow themselves ``LOOP_REPEATS`` times. Linear in the words."""
    for length in range(1, LOOP_WORDS + 1):
        same = 0
        for first, second in zip(words, words[length:], strict=False):
            same = same + 1 if first == second else 0
            if same >= length * (LOOP_REPEATS - 1):
                return True
    return False


def mean_probability(words: Sequence[HeardWord]) -> float:
    """Return the mean probability of the words, 0 to 1."""
    return sum(word.probability for word in words) / len(words)


def _span(sentence: HeardSegment, earliest: float, latest: float) -> SpeechSpan:
    start, end = sentence.words[0].start, sentence.words[-1].end
    return SpeechSpan(
        start=min(start, max(earliest, start - MARGIN_SECONDS)), end=max(end, min(latest, end + MARGIN_SECONDS))
    )


def _better(
    sentence: HeardSegment, speech: Sequence[SpeechSpan], again: Sequence[HeardSegment]
) -> Sequence[HeardSegment]:
    """Choose between two decodings of a doubtful sentence."""
    heard = [segment for segment in again if segment.words]
    words = [word for segment in heard for word in segment.words]
    if not words:
        unlikely = sentence.no_speech_probability > MAX_NO_SPEECH_PROBABILITY
        return [] if unlikely or _speech_share(sentence, speech) < MIN_SPEECH_SHARE else [_doubtful(sentence)]
    if mean_probability(words) > mean_probability(sentence.words) + CLEARLY_BETTER:
        return [
            replace(segment, repaired=True) if not is_doubtful(segment, speech) else _doubtful(segment)
            for segment in heard
        ]
    return [_doubtful(sentence)]


def _fuller(
    sentence: HeardSegment, speech: Sequence[SpeechSpan], again: Sequence[HeardSegment]
) -> Sequence[HeardSegment]:
    """Choose between two decodings of a sentence that skips words: the second has to be without fault."""
    heard = [segment for segment in again if segment.words]
    words = sum(len(segment.words) for segment in heard)
    faulty = any(is_doubtful(segment, speech) or skips_words(segment, speech) for segment in heard)
    if faulty or words <= len(sentence.words):
        return [sentence]
    return [replace(segment, repaired=True) for segment in heard]


def _doubtful(sentence: HeardSegment) -> HeardSegment:
    return replace(sentence, doubtful=True)


def _speech_share(sentence: HeardSegment, speech: Sequence[SpeechSpan]) -> float:
    start, end = sentence.words[0].start, sentence.words[-1].end
    if end <= start:
        return float(any(span.start <= start <= span.end for span in speech))
    return spoken_seconds(start, end, speech) / (end - start)
