"""Bodies and headers of uploads, as the OpenAPI document shows them: what the route reads on its own is said here."""

from typing import Any

from pydantic import BaseModel, Field

from echoic.api.items import NoticeBody
from echoic.api.run_options import ENGINE, LIKELY_LANGUAGES, MODEL, TIER, SpeakerNumbers
from echoic.intake.audio_url import MAX_URL_CHARACTERS
from echoic.intake.idempotency import MAX_KEY_CHARACTERS
from echoic.intake.receive import FORM, JSON
from echoic.intake.run_options import (
    LANGUAGES,
    LANGUAGES_FIELD,
    MAX_LANGUAGES,
    MAX_NAME_CHARACTERS,
    MAX_SPEAKERS,
    NAME_PATTERN,
    TIERS,
)
from echoic.reading.item_states import ON_HOLD, STATUS, ShownStatus

REPLAYED_HEADER = "Idempotent-Replayed"

SHA256: dict[str, Any] = {
    "type": "string",
    "description": "The file's SHA-256 as 64 hexadecimal digits, to be verified.",
}
TITLE: dict[str, Any] = {
    "maxLength": 500,
    "description": "Without one the name of the file is the title.",
    "examples": ["Interview with Ruth Sander"],
}
DESCRIPTION: dict[str, Any] = {
    "maxLength": 20_000,
    "description": "A text about the recording, for people.",
    "examples": ["Recorded in her workshop, on her first years."],
}


def _option_fields(*, nullable: bool) -> dict[str, Any]:
    """Return the fields of the options of a run; JSON may give null for a field that a form leaves out."""

    def either(kind: str) -> list[str]:
        return [kind, "null"] if nullable else [kind]

    numbers = {
        name: {"type": either("integer"), "minimum": 1, "maximum": MAX_SPEAKERS, "description": field.description}
        for name, field in SpeakerNumbers.model_fields.items()
    }
    return {
        "language": {
            "enum": [*LANGUAGES, None] if nullable else list(LANGUAGES),
            "description": "The language spoken, as its ISO 639 code.",
        },
        LANGUAGES_FIELD: _languages(nullable=nullable),
        "tier": {"enum": [*TIERS, None] if nullable else list(TIERS), "description": TIER},
        **{
            name: {
                "type": either("string"),
                "maxLength": MAX_NAME_CHARACTERS,
                "pattern": NAME_PATTERN,
                "description": description,
            }
            for name, description in (("engine", ENGINE), ("model", MODEL))
        },
        **numbers,
    }


_LANGUAGE = f"({'|'.join(LANGUAGES)})"
LANGUAGES_PATTERN = f"^{_LANGUAGE}(,{_LANGUAGE}){{0,{MAX_LANGUAGES - 1}}}$"
"""Codes with commas between them, as forms have them; checked by the reader of the form."""


def _languages(*, nullable: bool) -> dict[str, Any]:
    """Return the field of the likely languages: a list in JSON, which may be null, and codes with commas in a form."""
    if nullable:
        listed = {"type": ["array", "null"], "items": {"enum": list(LANGUAGES)}, "maxItems": MAX_LANGUAGES}
        return {**listed, "description": LIKELY_LANGUAGES}
    return {"type": "string", "pattern": LANGUAGES_PATTERN, "description": LIKELY_LANGUAGES, "examples": ["de,en"]}


KEY_HEADER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A name of your choice for this upload: whoever sends it again within 24 hours after its success gets "
    "the first answer, and nothing is uploaded twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARACTERS, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
DIGEST_HEADER: dict[str, Any] = {
    "name": "Content-Digest",
    "in": "header",
    "description": "Digest of the request's whole body (RFC 9530) by `sha-256` or `sha-512`, to be verified.",
    "schema": {"type": "string", "examples": ["sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"]},
}
UPLOAD_FORM: dict[str, Any] = {
    "title": "UploadForm",
    "description": "A recording and what is known of it.",
    "type": "object",
    "required": ["audio"],
    "properties": {
        "audio": {"type": "string", "format": "binary", "description": "The audio file."},
        "title": {"type": "string", **TITLE},
        "description": {"type": "string", **DESCRIPTION},
        "sha256": SHA256,
        **_option_fields(nullable=False),
    },
}
UPLOAD_FROM_URL: dict[str, Any] = {
    "title": "UploadFromUrl",
    "description": "A recording that the server is to fetch.",
    "type": "object",
    "required": ["audio_url"],
    "properties": {
        "audio_url": {
            "type": "string",
            "format": "uri",
            "pattern": "^[Hh][Tt][Tt][Pp][Ss]://",
            "maxLength": MAX_URL_CHARACTERS,
            "description": "A publicly reachable https:// URL.",
        },
        "title": {"type": ["string", "null"], **TITLE},
        "description": {"type": ["string", "null"], **DESCRIPTION},
        "sha256": {**SHA256, "type": ["string", "null"]},
        **_option_fields(nullable=True),
    },
}


def _request(media_type: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the ``openapi_extra`` of an upload whose body is of the media type."""
    body = {"required": True, "content": {media_type: content}}
    return {"parameters": [KEY_HEADER, DIGEST_HEADER], "requestBody": body}


FORM_REQUEST = _request(
    FORM,
    {"schema": UPLOAD_FORM, "encoding": {"audio": {"contentType": "audio/*, video/*, application/octet-stream"}}},
)
URL_REQUEST = _request(
    JSON,
    {
        "schema": UPLOAD_FROM_URL,
        "example": {"audio_url": "https://example.org/interview.mp3", "title": "Interview"},
    },
)
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            REPLAYED_HEADER: {
                "description": "`true` where this is the first answer to the `Idempotency-Key` once more.",
                "schema": {"type": "string"},
            }
        }
    }
}


class AcceptedBody(BaseModel):
    """The upload is safe; what follows happens in the background."""

    success: bool = Field(description="Always true in an answer with status 200.")
    item_id: int = Field(description="The item that the upload has become.")
    message: str = Field(
        description="The outcome in a sentence.", examples=["Audio file queued for transcription with priority 100"]
    )
    status: ShownStatus | None = Field(default=None, description=f"Said where the item is on hold. {STATUS}")
    notices: list[NoticeBody] | None = Field(
        default=None,
        description="Fields of the request that are not known and were passed over. Left out where there are none.",
    )
    on_hold: bool | None = Field(default=None, description=f"Only said where it is true. {ON_HOLD}")
