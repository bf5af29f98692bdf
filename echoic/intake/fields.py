"""The fields of an upload: title, description, digest, the JSON form of a request, and fields that are not known. Pure.

A field that is not known is passed over, and the answer names it, with what was likely meant.
"""

import difflib
import json
import re
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from echoic.errors import (
    AudioUrlInvalid,
    AudioUrlMissing,
    DescriptionTooLong,
    FieldInvalid,
    FieldNotUtf8,
    JsonMalformed,
    JsonNotObject,
    TitleTooLong,
)
from echoic.intake.audio_url import AudioUrl, is_encodable, parse_audio_url
from echoic.intake.file_names import fault_of_name, title_of_file, title_of_segment
from echoic.intake.run_options import (
    LANGUAGES_FIELD,
    SPEAKER_NUMBERS,
    TEXTS,
    options_of_form,
    options_of_json,
    text_field,
)
from echoic.notices import Notice
from echoic.text.visible import is_visible

MAX_TITLE_CHARACTERS = 500
MAX_DESCRIPTION_CHARACTERS = 20_000

AUDIO_URL = "audio_url"
KNOWN_FIELDS = ("title", "description", "sha256", *TEXTS, LANGUAGES_FIELD, *SPEAKER_NUMBERS)
"""Fields that a form may have beside the file."""
KNOWN_KEYS = (AUDIO_URL, *KNOWN_FIELDS)
"""Fields that a JSON body may have."""

MAX_NAMED = 10
"""Clients may send hundreds; the last notice counts the rest."""
MAX_NAME_CHARACTERS_SHOWN = 40
ALIKE = 0.6
"""From this ratio of ``difflib`` on a name is taken for a slip of another."""
SHORTEST_PART = 3

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMetadata:
    """The facts about a file apart from its bytes."""

    file_name: str
    """Without folders; may be empty where it came from a URL."""
    title: str | None
    description: str | None
    source_url: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """What is asked of the work on it, as ``run_options`` checks it."""
    sha256: str | None = None
    """What the client says its bytes have, in lower-case hexadecimal."""
    notices: tuple[Notice, ...] = ()
    """What was passed over in the request."""

    @property
    def default_title(self) -> str:
        """Return the title where nobody gave one: the name without extension, or the last segment of the URL."""
        return title_of_file(self.file_name) if self.source_url is None else title_of_segment(self.file_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlRequest:
    """A request to fetch a file, as the JSON mode of the Upload API has it."""

    url: AudioUrl
    metadata: FileMetadata


def parse_url_request(body: bytes) -> UrlRequest:
    """Read the JSON body; keys it does not know are passed over with a notice.

    Raises FieldNotUtf8, JsonMalformed, JsonNotObject, FieldTypeInvalid, AudioUrlMissing, the errors of
    ``parse_audio_url``, and those of ``clean_title``, ``clean_description``, ``options_of_json`` and
    ``parse_sha256``.
    """
    try:
        parsed: object = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FieldNotUtf8("The JSON body is not encoded in UTF-8.") from error
    except (ValueError, RecursionError) as error:  # nested thousands deep
        raise JsonMalformed(json_fault(body)) from error
    if not isinstance(parsed, dict):
        raise JsonNotObject
    audio_url = text_field(parsed, "audio_url")
    if audio_url is None or not audio_url.strip():
        raise AudioUrlMissing(_why_missing(parsed))
    url = parse_audio_url(audio_url)
    if (fault := fault_of_name(url.file_name)) is not None:
        raise AudioUrlInvalid(f"The file name in audio_url {fault}.")
    metadata = FileMetadata(
        file_name=url.file_name,
        title=clean_title(text_field(parsed, "title")),
        description=clean_description(text_field(parsed, "description")),
        source_url=str(url),
        options=options_of_json(parsed),
        sha256=parse_sha256(text_field(parsed, "sha256")),
        notices=notices_of(parsed, KNOWN_KEYS),
    )
    return UrlRequest(url=url, metadata=metadata)


def _why_missing(parsed: Mapping[str, object]) -> str | None:
    """Return a sentence on the key that was probably to be audio_url; None where there is none."""
    slip = next((name for name in parsed if name not in KNOWN_KEYS and likely_meant(name, (AUDIO_URL,))), None)
    return (
        slip and f"The JSON body has no 'audio_url', but {slip[:40]!r}, which is not known; did you mean 'audio_url'?"
    )


def form_metadata(file_name: str, fields: Mapping[str, str], *, kept: Collection[str] = ()) -> FileMetadata:
    """Return the metadata of a form; no notice is made of unknown fields that are ``kept`` for the client.

    Raises what ``clean_title``, ``clean_description``, ``options_of_form`` and ``parse_sha256`` raise.
    """
    return FileMetadata(
        file_name=file_name,
        title=clean_title(fields.get("title")),
        description=clean_description(fields.get("description")),
        options=options_of_form(fields),
        sha256=parse_sha256(fields.get("sha256")),
        notices=notices_of(fields, KNOWN_FIELDS, kept=kept),
    )


def json_fault(body: bytes) -> str | None:
    """Return the fault of bytes that are no JSON, in the words of every other JSON body; None where none is found."""
    try:
        from_json(body.removeprefix(BOM_UTF8))
    except ValueError as error:
        return f"The body is not valid JSON: {error}."
    return None


def clean_title(text: str | None) -> str | None:
    """Return the title without surrounding space, None for a blank one. Raises TitleTooLong, FieldInvalid."""
    return _clean("title", text, MAX_TITLE_CHARACTERS, TitleTooLong)


def clean_description(text: str | None) -> str | None:
    """The description without surrounding space, None for a blank one. Raises DescriptionTooLong, FieldInvalid."""
    return _clean("description", text, MAX_DESCRIPTION_CHARACTERS, DescriptionTooLong)


def parse_sha256(text: str | None) -> str | None:
    """Return a SHA-256 in hexadecimal of either case as lower case, None for a blank one. Raises FieldInvalid."""
    digits = (text or "").strip().lower()
    if digits and not _SHA256.fullmatch(digits):
        raise FieldInvalid("'sha256' must be the SHA-256 of the file as 64 hexadecimal digits.")
    return digits or None


def _clean(name: str, text: str | None, max_characters: int, too_long: type[FieldInvalid]) -> str | None:
    text = (text or "").strip()
    if "\0" in text:
        raise FieldInvalid(f"The {name} holds a NUL character.")
    if not text.isascii() and not is_encodable(text):
        raise FieldInvalid(f"The {name} holds half of a surrogate pair, which is no character.")
    if len(text) > max_characters:
        raise too_long(f"The {name} has {len(text):,} characters; at most {max_characters:,} are kept.")
    return text if is_visible(text) else None


def notices_of(given: Iterable[str], known: Collection[str], *, kept: Collection[str] = ()) -> tuple[Notice, ...]:
    """One notice for each given name that is neither known nor among those that clients send for themselves, ``kept``."""
    unknown = [name for name in given if name not in known and name not in kept]
    notices = [_notice(name, known) for name in unknown[:MAX_NAMED]]
    rest = len(unknown) - MAX_NAMED
    if rest > 0:
        message = f"Of the fields that are not known and were passed over, {rest} more are not named."
        notices.append(Notice(code="field_unknown", message=message, detail={"more": rest}))
    return tuple(notices)


def likely_meant(name: str, known: Collection[str]) -> str | None:
    """Return the known name that a misspelled or differently written one probably means; None if none is near."""
    if (meant := near(name, known, alike=ALIKE)) is not None:
        return meant
    wanted = _plain(name)
    if len(wanted) < SHORTEST_PART:
        return None
    return next((one for one in known if wanted in _plain(one) or _plain(one) in wanted), None)


def near(name: str, known: Collection[str], *, alike: float) -> str | None:
    """The known name that is spelled nearest to another, from a ratio of ``difflib`` on; None where none is so near."""
    plain = {_plain(one): one for one in known}
    found = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=alike)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _notice(name: str, known: Collection[str]) -> Notice:
    shown = name[:MAX_NAME_CHARACTERS_SHOWN]
    meant = likely_meant(shown, known)
    message = f"The field {shown!r} is not known and was passed over"
    message += "." if meant is None else f"; did you mean '{meant}'?"
    return Notice(code="field_unknown", message=message, detail={"field": shown, "did_you_mean": meant})
