"""The fields of an upload: title, description, digest, and the JSON form of a request. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from echoic.errors import (
    AudioUrlMissing,
    DescriptionTooLong,
    FieldInvalid,
    FieldNotUtf8,
    FieldTypeInvalid,
    JsonMalformed,
    JsonNotObject,
    TitleTooLong,
)
from echoic.intake.audio_url import AudioUrl, is_encodable, parse_audio_url

MAX_TITLE_CHARACTERS = 500
MAX_DESCRIPTION_CHARACTERS = 20_000
MAX_SPEAKERS = 100
MAX_DIGITS = 9

SPEAKER_NUMBERS = ("num_speakers", "min_speakers", "max_speakers")
"""How many people speak: exactly, at least, at most."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMetadata:
    """What is known of a file besides its bytes."""

    file_name: str
    """Without folders; may be empty where it came from a URL."""
    title: str | None
    description: str | None
    source_url: str | None = None
    options: Mapping[str, int] = field(default_factory=dict)
    """What is asked of the stages: the numbers of ``SPEAKER_NUMBERS`` that were given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlRequest:
    """A request to fetch a file, as the JSON mode of the Upload API has it."""

    url: AudioUrl
    metadata: FileMetadata
    sha256: str | None
    """What the client says the file has, in lower-case hexadecimal."""


def parse_url_request(body: bytes) -> UrlRequest:
    """Read the JSON body; keys it does not know are ignored.

    Raises FieldNotUtf8, JsonMalformed, JsonNotObject, FieldTypeInvalid, AudioUrlMissing, the errors of
    ``parse_audio_url``, and those of ``clean_title``, ``clean_description``, ``judge_speaker_numbers`` and
    ``parse_sha256``.
    """
    try:
        parsed: object = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FieldNotUtf8("The JSON body is not encoded in UTF-8.") from error
    except (ValueError, RecursionError) as error:  # nested thousands deep
        raise JsonMalformed from error
    if not isinstance(parsed, dict):
        raise JsonNotObject
    audio_url = _text(parsed, "audio_url")
    if audio_url is None or not audio_url.strip():
        raise AudioUrlMissing
    url = parse_audio_url(audio_url)
    metadata = FileMetadata(
        file_name=url.file_name,
        title=clean_title(_text(parsed, "title")),
        description=clean_description(_text(parsed, "description")),
        source_url=str(url),
        options=judge_speaker_numbers({name: _number(parsed, name) for name in SPEAKER_NUMBERS}),
    )
    return UrlRequest(url=url, metadata=metadata, sha256=parse_sha256(_text(parsed, "sha256")))


def form_metadata(file_name: str, fields: Mapping[str, str]) -> FileMetadata:
    """The metadata of a form. Raises what ``clean_title``, ``clean_description`` and ``judge_speaker_numbers`` raise."""
    return FileMetadata(
        file_name=file_name,
        title=clean_title(fields.get("title")),
        description=clean_description(fields.get("description")),
        options=judge_speaker_numbers({name: _written_number(fields, name) for name in SPEAKER_NUMBERS}),
    )


def judge_speaker_numbers(given: Mapping[str, int | None]) -> dict[str, int]:
    """Those of the numbers that were given. Raises FieldInvalid where they cannot be met."""
    numbers = {name: number for name, number in given.items() if number is not None}
    for name, number in numbers.items():
        if not 1 <= number <= MAX_SPEAKERS:
            raise FieldInvalid(f"'{name}' must be a whole number from 1 to {MAX_SPEAKERS}.")
    if "num_speakers" in numbers and len(numbers) > 1:
        raise FieldInvalid("Give either 'num_speakers' or 'min_speakers' and 'max_speakers'.")
    if numbers.get("min_speakers", 1) > numbers.get("max_speakers", MAX_SPEAKERS):
        raise FieldInvalid("'min_speakers' must not be greater than 'max_speakers'.")
    return numbers


def clean_title(text: str | None) -> str | None:
    """The title without surrounding space, None for a blank one. Raises TitleTooLong, FieldInvalid."""
    return _clean("title", text, MAX_TITLE_CHARACTERS, TitleTooLong)


def clean_description(text: str | None) -> str | None:
    """The description without surrounding space, None for a blank one. Raises DescriptionTooLong, FieldInvalid."""
    return _clean("description", text, MAX_DESCRIPTION_CHARACTERS, DescriptionTooLong)


def parse_sha256(text: str | None) -> str | None:
    """A SHA-256 in hexadecimal of either case as lower case, None for a blank one. Raises FieldInvalid."""
    digits = (text or "").strip().lower()
    if digits and not _SHA256.fullmatch(digits):
        raise FieldInvalid("'sha256' must be the SHA-256 of the file as 64 hexadecimal digits.")
    return digits or None


def _number(fields: Mapping[str, object], name: str) -> int | None:
    value = fields.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a whole number.")


def _written_number(fields: Mapping[str, str], name: str) -> int | None:
    digits = fields.get(name, "").strip()
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise FieldInvalid(f"'{name}' must be a whole number from 1 to {MAX_SPEAKERS}.")
    return int(digits)


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise FieldTypeInvalid(f"'{name}' must be a string.")


def _clean(name: str, text: str | None, max_characters: int, too_long: type[FieldInvalid]) -> str | None:
    text = (text or "").strip()
    if "\0" in text:
        raise FieldInvalid(f"The {name} holds a NUL character.")
    if not text.isascii() and not is_encodable(text):
        raise FieldInvalid(f"The {name} holds half of a surrogate pair, which is no character.")
    if len(text) > max_characters:
        raise too_long(f"The {name} has {len(text):,} characters; at most {max_characters:,} are kept.")
    return text or None
