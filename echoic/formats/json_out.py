"""A transcript as one JSON object, with all of its data."""

import json
from collections.abc import Mapping
from dataclasses import replace

from echoic.formats.options import USUAL, WriteOptions
from echoic.records import JsonObject, Segment, Transcript, Word


def write(transcript: Transcript, options: WriteOptions = USUAL) -> str:  # noqa: ARG001 -- the format has no choices
    """Return the object of ``to_object`` as text."""
    return in_parts(transcript).decode()


def in_parts(transcript: Transcript, more: Mapping[str, object] | None = None) -> bytes:
    """Return the object of ``to_object``, with ``more`` beside it, as text in UTF-8; the segments come last.

    It is made segment by segment: a whole transcript at once would hold the interpreter, and every other thread with it.
    """
    head = to_object(replace(transcript, segments=())) | dict(more or {})
    del head["segments"]
    segments = (
        json.dumps(_segment(position, segment, transcript.names), ensure_ascii=False).encode()
        for position, segment in enumerate(transcript.segments)
    )
    return b'%b, "segments": [%b]}' % (json.dumps(head, ensure_ascii=False).encode()[:-1], b", ".join(segments))


def to_object(transcript: Transcript) -> JsonObject:
    """Return the transcript as an object.

    Times are in seconds, scores and confidences from 0 to 1; a segment's ``id`` is its place in the whole transcript.
    """
    engine = transcript.engine
    return {
        "item_id": transcript.item_id,
        "title": transcript.title,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "duration_seconds": transcript.duration_seconds,
        "engine": None if engine is None else {"name": engine.name, "model": engine.model, "version": engine.version},
        "speakers": list(transcript.speakers),
        "speaker_names": dict(transcript.names),
        "notices": [notice.to_object() for notice in transcript.notices],
        "segments": [
            _segment(position, segment, transcript.names) for position, segment in enumerate(transcript.segments)
        ],
    }


def _segment(position: int, segment: Segment, names: Mapping[str, str]) -> JsonObject:
    return {
        "id": position if segment.position is None else segment.position,
        "start": segment.start,
        "end": segment.end,
        "speaker": segment.speaker,
        "speaker_name": None if segment.speaker is None else names.get(segment.speaker),
        "text": segment.text,
        "confidence": segment.confidence,
        "no_speech_probability": segment.no_speech_probability,
        "compression_ratio": segment.compression_ratio,
        "quality": segment.quality,
        "language": segment.language,
        "words": [_word(word) for word in segment.words],
    }


def _word(word: Word) -> JsonObject:
    return {"word": word.text, "start": word.start, "end": word.end, "score": word.score, "speaker": word.speaker}
