"""Reads the answer of another transcriber as a transcription. Pure.

The shape is OpenAI's ``verbose_json``, which WhisperX's is near to. Answers differ: words stand beside the segments or
within them or are left out, some have no times, the language is a code or an English name, and the plain ``json`` form
has a text alone.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import takewhile
from numbers import Real

from echoic.engines.heard import HeardSegment, HeardWord, nothing_said
from echoic.engines.languages import language_code
from echoic.engines.told import NOT_TOLD, ToldWord, in_text, spread, timed, to_records
from echoic.records import UNKNOWN_LANGUAGE, SpeechSpan, Transcription
from echoic.text.written import written_words


class AnswerMalformed(Exception):
    """The answer does not follow the protocol."""


def to_transcription(
    answer: object, *, speech: Sequence[SpeechSpan], duration_seconds: float, language: str | None
) -> Transcription:
    """Read the transcription of one piece. A text without times is placed at ``speech``; ``language`` is the one asked for.

    Raises ``AnswerMalformed``.
    """
    if not isinstance(answer, Mapping):
        raise AnswerMalformed("it is no JSON object")
    loose = [_word(word) for word in _list(answer, "words")]
    told = _list(answer, "segments") or [_whole(answer, speech, duration_seconds)]
    segments = to_records(_heard(told, loose, duration_seconds), duration_seconds)
    if not segments:
        return nothing_said(language)
    detected = language_code(answer.get("language"))
    return Transcription(
        segments=segments,
        language=language or detected or UNKNOWN_LANGUAGE,
        language_probability=1.0 if language else _probability(answer.get("language_probability")) if detected else 0.0,
    )


def _heard(
    told: Sequence[Mapping[str, object]], loose: Sequence[ToldWord], duration_seconds: float
) -> list[HeardSegment]:
    heard: list[HeardSegment] = []
    end = 0.0
    taken = 0
    for index, segment in enumerate(told):
        start = _number(segment, "start", default=end)
        end = max(start, _number(segment, "end", default=duration_seconds))
        own = [_word(word) for word in _list(segment, "words")]
        if not own:
            own = _taken(loose[taken:], before=math.inf if index == len(told) - 1 else end)
            taken += len(own)
        words = _words(_text(segment), own, start, end, _score(segment))
        if words:
            heard.append(
                HeardSegment(
                    words=tuple(words),
                    no_speech_probability=_number(segment, "no_speech_prob", default=NOT_TOLD),
                    compression_ratio=_number(segment, "compression_ratio", default=NOT_TOLD),
                    mean_log_probability=_number(segment, "avg_logprob", default=NOT_TOLD),
                )
            )
    return heard


def _taken(loose: Sequence[ToldWord], *, before: float) -> list[ToldWord]:
    """Give words that stand beside the segments to the segment they begin in; words after the last go to the last."""
    return list(takewhile(lambda word: word.start is None or word.start < before, loose))


def _words(text: str, own: Sequence[ToldWord], start: float, end: float, score: float) -> list[HeardWord]:
    if not own:
        return spread(written_words(text), start, end, score)
    told = [
        ToldWord(
            text=word.text,
            start=word.start,
            end=word.end,
            probability=score if math.isnan(word.probability) else word.probability,
        )
        for word in own
        if word.text.strip()
    ]
    return in_text(text, timed(told, start, end))


def _whole(answer: Mapping[str, object], speech: Sequence[SpeechSpan], duration_seconds: float) -> Mapping[str, object]:
    start = speech[0].start if speech else 0.0
    end = speech[-1].end if speech else duration_seconds
    return {"start": start, "end": end, "text": _text(answer)}


def _score(segment: Mapping[str, object]) -> float:
    mean = _number(segment, "avg_logprob", default=NOT_TOLD)
    return NOT_TOLD if math.isnan(mean) else math.exp(min(0.0, mean))


def _word(word: Mapping[str, object]) -> ToldWord:
    text = word.get("word", word.get("text"))
    if not isinstance(text, str):
        raise AnswerMalformed("a word has no text")
    start, end = (_number(word, name, default=NOT_TOLD) for name in ("start", "end"))
    has_times = not (math.isnan(start) or math.isnan(end))
    return ToldWord(
        text=text,
        start=start if has_times else None,
        end=end if has_times else None,
        # WhisperX's aligner calls it the score.
        probability=_number(word, "probability", default=_number(word, "score", default=NOT_TOLD)),
    )


def _text(segment: Mapping[str, object]) -> str:
    text = segment.get("text") or ""
    if not isinstance(text, str):
        raise AnswerMalformed("'text' is no string")
    return text


def _list(parent: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    found = parent.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise AnswerMalformed(f"'{name}' is no list of objects")
    return found


def _number(parent: Mapping[str, object], name: str, *, default: float) -> float:
    value = parent.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, Real):
        raise AnswerMalformed(f"'{name}' is no number")
    return float(value) if math.isfinite(value) else default


def _probability(value: object) -> float:
    """0 if the answer has no such number."""
    return min(1.0, max(0.0, float(value))) if isinstance(value, Real) and math.isfinite(value) else 0.0
