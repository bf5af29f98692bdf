"""The transcript in the six formats of an answer. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from string import ascii_uppercase
from typing import Any

from echoic.formats import FORMATS, FormatName
from echoic.formats.doubt import with_doubt
from echoic.formats.options import WriteOptions
from echoic.intake.run_options import language_name
from echoic.notices import Notice
from echoic.openai_api.fields import Asked
from echoic.reading.held import HeldTranscript
from echoic.records import UNKNOWN_LANGUAGE, Segment, Transcript, Word

UNKNOWN_SPEAKER = "unknown"
"""Who speaks a segment that lies in nobody's turn."""
PLAIN = "text/plain; charset=utf-8"
SUBTITLES: Mapping[str, FormatName] = {"srt": "srt", "vtt": "vtt"}
TYPES: Mapping[str, str] = {"text": PLAIN, "srt": PLAIN, "vtt": "text/vtt; charset=utf-8"}
"""Media types of the answers that are no JSON."""
DOUBTFUL = "text_doubtful"
EXPECTED = "temporary"
"""The notice of what was asked for; whether it is there already depends on how far the run has come."""
MIN_PROBABILITY = 1e-10
FRAMES_PER_SECOND = 100
"""In which ``seek`` counts."""


def whole_text(segments: Sequence[Segment]) -> str:
    """Return everything said, in one line."""
    return " ".join(text for segment in segments if (text := " ".join(segment.text.split())))


def remarks(transcript: Transcript, more: Sequence[Notice] = ()) -> list[dict[str, Any]]:
    """Return the notices of a transcript, with one for text that is likely wrong."""
    told = [notice.to_object() for notice in (*more, *transcript.notices) if notice.code != EXPECTED]
    doubtful = sum(segment.quality == "doubtful" for segment in transcript.segments)
    if doubtful:
        message = f"{doubtful} of {len(transcript.segments)} segments are likely wrong."
        told.append({"code": DOUBTFUL, "message": message, "detail": {"segments": doubtful}})
    return told


def speaker_names(transcript: Transcript, known: Mapping[str, str]) -> dict[str, str]:
    """Return what each label is called: the known name, or else A, B, C in order of appearance."""
    names: dict[str, str] = {}
    for label in transcript.speakers:
        unnamed = sum(one not in known for one in names)
        names[label] = known.get(label) or _letters(unnamed)
    return names


def diarized_segments(held: HeldTranscript) -> list[dict[str, Any]]:
    """Return the segments with their speakers."""
    names = speaker_names(held.transcript, held.known)
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number}",
            "start": segment.start,
            "end": segment.end,
            "text": " ".join(segment.text.split()),
            "speaker": names.get(segment.speaker or "", UNKNOWN_SPEAKER),
            "quality": segment.quality,
        }
        for number, segment in enumerate(held.transcript.segments)
    ]


def json_answer(held: HeldTranscript, asked: Asked) -> dict[str, Any]:
    """Return the body of an answer in JSON; fields beside OpenAI's are ``notices`` and each segment's ``quality``."""
    transcript = held.transcript
    duration = transcript.duration_seconds or 0.0
    body: dict[str, Any] = {
        "text": whole_text(transcript.segments),
        "usage": {"type": "duration", "seconds": math.ceil(duration)},
    }
    if asked.response_format == "json":
        body["languages"] = [{"code": code} for code in languages_of(transcript)]
    else:
        body |= {"task": asked.task, "duration": duration}
    if asked.response_format == "diarized_json":
        body["segments"] = diarized_segments(held)
    elif asked.response_format == "verbose_json":
        body["language"] = language_name(transcript.language or UNKNOWN_LANGUAGE)
        if "segment" in asked.granularities:
            body["segments"] = [_verbose(number, segment) for number, segment in enumerate(transcript.segments)]
        if "word" in asked.granularities:
            body["words"] = [_word(word) for segment in transcript.segments for word in segment.words]
    if told := remarks(transcript, asked.notices):
        body["notices"] = told
    return body


def text_answer(transcript: Transcript, form: str) -> str:
    """Return the transcript as text or subtitles, without names of speakers."""
    if form not in SUBTITLES:
        return f"{whole_text(transcript.segments)}\n"
    unnamed = replace(
        transcript,
        speakers=(),
        notices=tuple(notice for notice in transcript.notices if notice.code != EXPECTED),
        segments=tuple(
            replace(segment, speaker=None, words=tuple(replace(word, speaker=None) for word in segment.words))
            for segment in transcript.segments
        ),
    )
    shown = with_doubt(unnamed, None, is_subtitles=True)
    return str(FORMATS[SUBTITLES[form]].write(shown, WriteOptions(speakers=False)))


def languages_of(transcript: Transcript) -> list[str]:
    """Return the codes of the languages that are spoken, the main one first."""
    spoken = (transcript.language, *(segment.language for segment in transcript.segments))
    return [code for code in dict.fromkeys(spoken) if code not in (None, UNKNOWN_LANGUAGE)]


def _letters(number: int) -> str:
    """Return A to Z, and then AA, AB …, as columns of a table are called."""
    rest, last = divmod(number, len(ascii_uppercase))
    return (_letters(rest - 1) if rest else "") + ascii_uppercase[last]


def _verbose(number: int, segment: Segment) -> dict[str, Any]:
    """Return a segment with all fields that OpenAI's has; engines other than Whisper have none of its tokens."""
    return {
        "id": number,
        "seek": round(segment.start * FRAMES_PER_SECOND),
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(segment.confidence or 0.0, MIN_PROBABILITY)), 4),
        "compression_ratio": segment.compression_ratio or 0.0,
        "no_speech_prob": segment.no_speech_probability or 0.0,
        "quality": segment.quality,
    }


def _word(word: Word) -> dict[str, Any]:
    return {"word": word.text, "start": word.start, "end": word.end}
