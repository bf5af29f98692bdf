"""The fields of an upload: title, description, and the JSON form of a request. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlRequest:
    """A request to fetch a file, as the JSON mode of the Upload API has it."""

    url: AudioUrl
    title: str | None
    description: str | None


def parse_url_request(body: bytes) -> UrlRequest:
    """Read the JSON body; keys it does not know are ignored.

    Raises FieldNotUtf8, JsonMalformed, JsonNotObject, FieldTypeInvalid, AudioUrlMissing, the errors of
    ``parse_audio_url``, and those of ``clean_title`` and ``clean_description``.
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
    return UrlRequest(
        url=parse_audio_url(audio_url),
        title=clean_title(_text(parsed, "title")),
        description=clean_description(_text(parsed, "description")),
    )


def clean_title(text: str | None) -> str | None:
    """The title without surrounding space, None for a blank one. Raises TitleTooLong, FieldInvalid."""
    return _clean("title", text, MAX_TITLE_CHARACTERS, TitleTooLong)


def clean_description(text: str | None) -> str | None:
    """The description without surrounding space, None for a blank one. Raises DescriptionTooLong, FieldInvalid."""
    return _clean("description", text, MAX_DESCRIPTION_CHARACTERS, DescriptionTooLong)


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
