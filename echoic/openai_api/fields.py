"""The fields of a request, checked. Everything that OpenAI documents is accepted, and nothing unknown is refused. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from echoic.intake.fields import notices_of
from echoic.intake.run_options import meant_language
from echoic.notices import Notice
from echoic.openai_api.failures import invalid
from echoic.openai_api.form import FILE, MAX_REFERENCES, REFERENCES, SpeechForm
from echoic.records import Task

ResponseFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
Granularity = Literal["word", "segment"]

FORMATS: tuple[ResponseFormat, ...] = get_args(ResponseFormat)
TRANSLATION_FORMATS = tuple(form for form in FORMATS if form != "diarized_json")
GRANULARITIES: tuple[Granularity, ...] = get_args(Granularity)
NAMES = "known_speaker_names"
KNOWN_FIELDS = (
    *(FILE, "model", "response_format", "language", "languages", "keywords", "prompt", "temperature"),
    *("timestamp_granularities", "include", "chunking_strategy", NAMES, REFERENCES, "stream", "stream_format"),
)
NESTED = "chunking_strategy["
"""The beginning of fields like ``chunking_strategy[type]``."""
MAX_KEYWORDS = 500
MAX_KEYWORD_CHARACTERS = 200
MAX_SPEAKER_NAME_CHARACTERS = 200
TRUE, FALSE = ("true", "1"), ("false", "0", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The wishes of a request."""

    task: Task
    model: str
    response_format: ResponseFormat
    language: str | None
    languages: tuple[str, ...]
    keywords: tuple[str, ...]
    prompt: str | None
    granularities: frozenset[Granularity]
    stream: bool
    speaker_names: tuple[str, ...]
    references: tuple[str | bytes, ...]
    """Clips of these speakers, as data URLs or as files."""
    notices: tuple[Notice, ...]
    """Fields that are not known."""

    @property
    def tells_speakers(self) -> bool:
        """Return whether the answer says who speaks."""
        return self.response_format == "diarized_json"

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of the run that the fields give, but for the model."""
        given = {
            "task": None if self.task == "transcribe" else self.task,
            "language": self.language,
            "languages": list(self.languages),
            "initial_prompt": self.prompt,
            "vocabulary": list(self.keywords),
        }
        return {name: value for name, value in given.items() if value}


def read_fields(form: SpeechForm, task: Task) -> Asked:
    """Check the fields of a form. Raises FieldInvalid, with the name of the field."""
    values = _Values(form.fields)
    formats = FORMATS if task == "transcribe" else TRANSLATION_FORMATS
    _check_temperature(values.one("temperature"))
    languages = tuple(dict.fromkeys(_language("languages", code) for code in values.all("languages") if code))
    language = values.one("language")
    code = _language("language", language) if language else languages[0] if len(languages) == 1 else None
    names, references = _speakers(values, form.reference_files)
    return Asked(
        task=task,
        model=values.one("model"),
        response_format=cast(
            "ResponseFormat", _one_of("response_format", values.one("response_format") or "json", formats)
        ),
        language=code,
        languages=languages if code is None else (),
        keywords=_keywords(values.all("keywords")),
        prompt=values.one("prompt") or None,
        granularities=frozenset(
            cast("Granularity", _one_of("timestamp_granularities", each, GRANULARITIES))
            for each in values.all("timestamp_granularities")
            if each
        )
        or frozenset({"segment"}),
        stream=_flag("stream", values.one("stream")),
        speaker_names=names,
        references=references,
        notices=notices_of(dict.fromkeys(name for name, _ in form.fields if not name.startswith(NESTED)), KNOWN_FIELDS),
    )


class _Values:
    """Values by name; of a field that has one value the last counts, as with most servers."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        return next((value.strip() for each, value in reversed(self._fields) if each == name), "")

    def all(self, name: str) -> list[str]:
        """Return the values of a list: one a part, or several in one part as JSON or between commas."""
        return [one for each, value in self._fields if each == name for one in _listed(value)]

    def whole(self, name: str) -> list[str]:
        """Return the values of a list whose members may hold commas."""
        return [value.strip() for each, value in self._fields if each == name]


def _listed(value: str) -> list[str]:
    text = value.strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return [str(each).strip() for each in found]
    return [each.strip() for each in text.split(",")]


def _check_temperature(text: str) -> None:
    """Require a number from 0 to 1; it changes nothing, for the same audio is to give the same words."""
    if not text:
        return
    try:
        is_fit = 0 <= float(text) <= 1
    except ValueError:
        is_fit = False
    if not is_fit:
        raise invalid("temperature", "'temperature' must be a number from 0 to 1.")


def _language(name: str, text: str) -> str:
    """Return the code of a language that is told by code, by a tag such as ``en-US``, or by its English name."""
    code = meant_language(text)
    if code is None:
        raise invalid(name, f"'{name}' must be the ISO 639-1 code of a language that some engine knows, as 'en'.")
    return code


def _one_of(name: str, text: str, allowed: Sequence[str]) -> str:
    if text not in allowed:
        raise invalid(name, f"'{name}' must be one of: {', '.join(allowed)}.")
    return text


def _flag(name: str, text: str) -> bool:
    if text.lower() not in (*TRUE, *FALSE):
        raise invalid(name, f"'{name}' must be true or false.")
    return text.lower() in TRUE


def _keywords(given: Sequence[str]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word for word in given if word))
    if len(words) > MAX_KEYWORDS or any(len(word) > MAX_KEYWORD_CHARACTERS for word in words):
        raise invalid(
            "keywords",
            f"At most {MAX_KEYWORDS} keywords are taken, each of at most {MAX_KEYWORD_CHARACTERS} characters.",
        )
    return words


def _speakers(values: _Values, files: Sequence[bytes]) -> tuple[tuple[str, ...], tuple[str | bytes, ...]]:
    names = tuple(values.whole(NAMES))
    references: tuple[str | bytes, ...] = (*values.whole(REFERENCES), *files)
    if len(names) > MAX_REFERENCES:
        raise invalid(NAMES, f"At most {MAX_REFERENCES} known speakers are taken.")
    if len(names) != len(references):
        raise invalid(
            REFERENCES, f"There are {len(names)} known speaker names and {len(references)} references; give one each."
        )
    if any(not name or len(name) > MAX_SPEAKER_NAME_CHARACTERS for name in names) or len(set(names)) < len(names):
        raise invalid(
            NAMES, f"The names of known speakers must differ and have 1 to {MAX_SPEAKER_NAME_CHARACTERS} characters."
        )
    return names, references


def identity_of(asked: Asked, model: Mapping[str, Any], voices: Sequence[str]) -> dict[str, Any]:
    """Return what has to be the same for two requests to need one run, in values that JSON has."""
    return {
        **asked.options,
        **model,
        "speakers": asked.tells_speakers,
        "names": list(asked.speaker_names),
        "voices": list(voices),
    }
