"""Bodies of requests and answers, as the OpenAPI document shows them: what the routes read on their own is said here."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from echoic.intake.receive import FORM
from echoic.openai_api.answers import TYPES
from echoic.openai_api.failures import OpenAiError
from echoic.openai_api.fields import FORMATS, GRANULARITIES, TRANSLATION_FORMATS

ITEM_HEADER = "X-Item-Id"
MODEL_HEADER = "X-Model-Used"
UNKNOWN_MODEL_HEADER = "X-Model-Unknown"
NOTICES_HEADER = "X-Item-Notices"
REPEATED_HEADER = "Idempotent-Replayed"


class DurationUsage(BaseModel):
    """The length of the recording, for which minutes are counted."""

    type: str = Field(description="Always `duration`.", examples=["duration"])
    seconds: float = Field(description="Whole seconds, rounded up.", examples=[11.0])


class SpeechNotice(BaseModel):
    """Something that was left out, guessed or cut."""

    code: str
    message: str
    detail: dict[str, Any] = Field(description="The figures of the message, for programs.", examples=[{"seconds": 1.4}])


class SpokenLanguage(BaseModel):
    """A language that is spoken."""

    code: str


class SpeechSegment(BaseModel):
    """A stretch of the transcript; of `verbose_json` and `diarized_json`, each with some of these fields."""

    model_config = ConfigDict(extra="allow")

    id: int | str
    start: float
    end: float
    text: str
    speaker: str | None = Field(default=None, description="`A`, `B` …, or the name of a known speaker: diarized_json.")
    quality: str | None = Field(default=None, description="`doubtful`: likely wrong.")


class SpeechWord(BaseModel):
    """A word and when it was said."""

    word: str = Field(description="As it is written in the text.", examples=["country"])
    start: float
    end: float


class SpeechText(BaseModel):
    """A transcription in JSON; which fields there are depends on `response_format`."""

    text: str
    usage: DurationUsage
    languages: list[SpokenLanguage] | None = Field(default=None, description="json.")
    task: str | None = Field(default=None, description="`transcribe` or `translate`: verbose_json, diarized_json.")
    language: str | None = Field(default=None, description="The language in English, as `english`: verbose_json.")
    duration: float | None = Field(default=None, description="Seconds: verbose_json, diarized_json.")
    segments: list[SpeechSegment] | None = Field(default=None, description="verbose_json, diarized_json.")
    words: list[SpeechWord] | None = Field(default=None, description="verbose_json with the granularity `word`.")
    notices: list[SpeechNotice] | None = Field(default=None, description="Left out where there are none.")


FILE: dict[str, Any] = {
    "type": "string",
    "format": "binary",
    "description": "The recording, in any format that is read.",
}
MODEL: dict[str, Any] = {
    "type": "string",
    "description": "A name of `GET /v1/models`; any other means the transcriber of the dataset, and a header says so.",
    "examples": ["whisper-1"],
}
PROMPT: dict[str, Any] = {"type": "string", "description": "Text that sets spelling and style.", "maxLength": 10_000}
TEMPERATURE: dict[str, Any] = {
    "type": "number",
    "minimum": 0,
    "maximum": 1,
    "description": "Accepted, and without effect: the same audio gives the same words.",
}
LANGUAGE = "ISO 639-1 code, a tag such as `en-US`, or the English name of the language spoken."


def _texts(description: str, **of_each: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", **of_each}, "description": description}


TRANSCRIPTION_FIELDS: dict[str, Any] = {
    "file": FILE,
    "model": MODEL,
    "response_format": {"enum": list(FORMATS), "description": "The form of the answer; json unless said."},
    "language": {"type": "string", "examples": ["en"], "description": LANGUAGE},
    "languages[]": _texts("The languages that may be spoken.", examples=["en"]),
    "keywords[]": _texts("Names and terms that are likely to be said.", maxLength=200),
    "prompt": PROMPT,
    "temperature": TEMPERATURE,
    "timestamp_granularities[]": _texts("Times of words, segments or both: verbose_json.", enum=list(GRANULARITIES)),
    "include[]": _texts("Accepted, and without effect."),
    "chunking_strategy": {"type": "string", "description": "Accepted, and without effect."},
    "known_speaker_names[]": _texts("Names of at most four people who speak: diarized_json.", maxLength=200),
    "known_speaker_references[]": _texts("A clip of each of them, 2 to 10 s, as a data URL or as a file."),
    "stream": {"type": "boolean", "description": "Answer with server-sent events."},
}
TRANSLATION_FIELDS: dict[str, Any] = {
    "file": FILE,
    "model": MODEL,
    "response_format": {"enum": list(TRANSLATION_FORMATS), "description": "The form of the answer; json unless said."},
    "prompt": PROMPT,
    "temperature": TEMPERATURE,
    "stream": TRANSCRIPTION_FIELDS["stream"],
}


def form_of(title: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a route's ``openapi_extra`` for a form with these fields."""
    schema = {
        "title": title,
        "description": "The form of a request.",
        "type": "object",
        "required": ["file"],
        "properties": fields,
    }
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


EVENTS: dict[str, Any] = {
    "description": "Events whose `data` is an object in JSON, in OpenAI's shapes `transcript.text.delta`, "
    "`transcript.text.segment` and `transcript.text.done`, or `error`; the last is `[DONE]`."
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": SpeechText,
        "description": "The transcript in the form asked for.",
        "content": {
            **{kind.split(";", maxsplit=1)[0]: {"schema": {"type": "string"}} for kind in TYPES.values()},
            "text/event-stream": {"schema": EVENTS},
        },
        "headers": {
            ITEM_HEADER: _header("The item that holds the recording."),
            MODEL_HEADER: _header("Engine and model that transcribed it."),
            UNKNOWN_MODEL_HEADER: _header(
                "`true` where the name asked for means nothing here, and the default was used."
            ),
            NOTICES_HEADER: _header("Codes of what was left out, guessed or cut, with commas between them."),
            REPEATED_HEADER: _header("`true` where an earlier request of the same began the work."),
        },
    }
}
ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": OpenAiError}}
