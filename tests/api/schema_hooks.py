"""What the generator of requests cannot know from the OpenAPI document; loaded by schemathesis, not by tests."""

import mimetypes
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

RECORDING = Path(__file__).parents[2].joinpath("examples", "jfk.flac").read_bytes()
KEPT = {
    "DELETE /api/keys/{key_id}": ("key_id", {"1"}),
    "PATCH /api/accounts/{account_id}": ("account_id", {"1"}),
    "DELETE /api/accounts/{account_id}": ("account_id", {"1"}),
    "DELETE /api/items/{item_id}": ("item_id", {"1", "2", "3", "4"}),
    "DELETE /api/datasets/{dataset_id}": ("dataset_id", {"1"}),
    "POST /api/datasets/{dataset_id}/items/delete": ("dataset_id", {"1"}),
    "POST /api/datasets/{dataset_id}/items/move": ("dataset_id", {"1"}),
    "PATCH /api/datasets/{dataset_id}": ("dataset_id", {"1"}),
    "DELETE /api/libraries/{slug}/speakers/{speaker_id}": ("speaker_id", {"1", "2"}),
    "DELETE /api/libraries/{slug}": ("slug", {"my-library"}),
}
"""By operation what it must leave alone: the key that asks, and enough of the rest for others to be about something."""

FORM_NAMES = {"multipart_malformed", "is given twice"}
"""Fields that are not in the schema may have names that no header may hold, or be there twice."""
RUN_OPTIONS = {"min_speakers", "transcriber_not_offered"}
"""One decides what another may be; the server's engines decide."""
UPLOAD_PIECE = {
    *RUN_OPTIONS,
    # Valid values by its pattern are not what every phase makes up.
    "The header Upload-Checksum must begin",
    "contradicts what is known",
    "upload_length_exceeded",
    "file_too_large",
    "checksum_mismatch",
    "metadata_required",
    "dataset_rejects_uploads",
    "not_audio",
}
SPEECH = {
    *FORM_NAMES,
    "not_audio",
    "audio_empty",
    "file_too_large",
    "holds a NUL character",
    "is not encoded in UTF-8",
    "The file name",
    "dataset_not_found",
    "dataset_rejects_uploads",
    "the code of a language",
    "must be the ISO 639-1 code",
    "known speaker",
    "The reference of",
    "At most",
}
PROGRAM = {"invalid_request", "program_unusable"}
BEYOND_SCHEMAS = {
    "POST /api/search": {"the year must be between", "query_invalid"},
    "POST /api/ask": {"the year must be between", "query_invalid"},
    # One field decides what another may be; and which origins there can be.
    "POST /api/shares": {
        "Give either 'item_id' or 'search'",
        "belong to 'item_id'",
        "share_unfit",
        "query_invalid",
        "the year must be between",
        "is no origin",
        "has no valid",
        "has a port",
        "host name that cannot be read",
    },
    "POST /api/keys": {"must lie in the future"},
    "POST /api/accounts": {"there is none of that name", "together, or neither", "password_unfit", "must be printable"},
    "PATCH /api/accounts/{account_id}": {"there is none of that name"},
    # What only a page of the server sends; and who knows the password, and which name is another's.
    "POST /api/sign-in": {"origin_not_allowed"},
    "POST /api/sign-in/token": {"origin_not_allowed"},
    "POST /api/sign-in/oidc": {"origin_not_allowed"},
    "POST /api/sign-up": {"origin_not_allowed"},
    "POST /api/sign-out": {"session_not_found"},
    "PUT /api/account/sign-in": {
        "password_unfit",
        "sign_in_name_missing",
        "sign_in_refused",
        "must be printable characters",
    },
    # Where the address leads decides, and how many there are.
    "POST /api/webhooks": {"webhook_url_invalid", "url_forbidden", "webhook_limit_reached"},
    "PATCH /api/webhooks/{webhook_id}": {"webhook_url_invalid", "url_forbidden"},
    "GET /api/search": {"query_invalid"},
    "GET /api/trending": {"words have no type"},
    "POST /api/notifications": {
        "query_invalid",
        "email_not_set_up",
        "webhook_url_invalid",
        "url_forbidden",
        "webhook_limit_reached",
        "Give 'webhook_url'",
        "Give either 'webhook_url'",
    },
    # Whether the server sends e-mail, and which time zones it knows.
    "PATCH /api/notifications/{notification_id}": {
        "query_invalid",
        "email_not_set_up",
        "webhook_url_invalid",
        "url_forbidden",
        "webhook_limit_reached",
        "Give 'webhook_url'",
        "Give either 'webhook_url'",
    },
    "PUT /api/notifications/digest": {"is no time zone"},
    "POST /api/email-addresses": {"email_not_set_up"},
    "POST /api/email-addresses/{address_id}/confirmation": {"email_not_set_up"},
    "POST /api/items/{item_id}/speakers/{label}": {"Give either 'speaker_id' or 'name'"},
    # One parameter decides what another may be.
    "GET /api/items/{item_id}/transcript": {"is no option of", "must be greater than start"},
    # The dataset's settings decide, the bytes themselves, and who answers at the URL.
    "POST /api/datasets/{dataset_id}/items": {
        "dataset_rejects_uploads",
        "metadata_required",
        "format_not_allowed",
        "not_audio",
        "digest_mismatch",
        "The Content-Digest header is not",
        "file_too_large",
        *RUN_OPTIONS,
        "url_unresolvable",
        "url_unreachable",
        "url_forbidden",
        "audio_url_invalid",
        "audio_url_has_credentials",
        *FORM_NAMES,
    },
    "POST /api/datasets/{dataset_id}/upload-links": {"dataset_rejects_uploads", "metadata_required", *RUN_OPTIONS},
    # The bytes themselves decide, and what a form may say beside its fields.
    "POST /v1/audio/transcriptions": SPEECH,
    "POST /v1/audio/translations": SPEECH,
    "OPTIONS /api/datasets/{dataset_id}/uploads": {"dataset_rejects_uploads"},
    # Which headers belong together is said by the protocol; where the upload stands decides about its bytes.
    "POST /api/datasets/{dataset_id}/uploads": {
        "Send either the header",
        "Upload-Metadata",
        "format_not_allowed",
        "audio_empty",
        *UPLOAD_PIECE,
    },
    "PATCH /api/datasets/{dataset_id}/uploads/{upload_id}": UPLOAD_PIECE,
    "POST /api/datasets/{dataset_id}/uploads/{upload_id}": {"Upload-Offset", "Send the bytes as", *UPLOAD_PIECE},
    # A policy has kinds or words, and either may be left out.
    "POST /api/datasets": {
        "name at least one kind or word",
        "feed_url",
        "source_not_allowed",
        "Give either 'folder'",
        "prefix: only",
        "'uploads'",
        *RUN_OPTIONS,
    },
    # The kind of the dataset decides, what an address or a list says, and which episodes there are.
    "PATCH /api/datasets/{dataset_id}/feed": {"'content_type' is 'podcast'", "'feed_url' is no https://"},
    "POST /api/datasets/{dataset_id}/feed/take": {"has no episodes"},
    "POST /api/libraries/{slug}/feeds/opml": {"'opml'"},
    # The operator says which places there are, and one of two is named.
    "POST /api/datasets/{dataset_id}/sources": {
        "source_not_allowed",
        "Give either 'folder'",
        "prefix: only",
        "'uploads'",
    },
    "PATCH /api/datasets/{dataset_id}": {"name at least one kind or word", *RUN_OPTIONS},
    "POST /api/items/{item_id}/transcribe": RUN_OPTIONS,
    "POST /api/datasets/{dataset_id}/items/transcribe": RUN_OPTIONS,
    "POST /api/datasets/{dataset_id}/items/move": {"dataset_rejects_uploads"},
    "GET /api/datasets/{dataset_id}/export": {"is no option of"},
    # Who speaks where decides, and what is heard in the clip.
    "POST /api/items/{item_id}/speakers/{label}/merge": {"merged into itself"},
    "POST /api/items/{item_id}/speakers/{label}/split": {"is not spoken by", "Give 'speaker_id', or"},
    "POST /api/libraries/{slug}/speakers/{speaker_id}/merge": {"merged into itself"},
    "POST /api/libraries/{slug}/speakers/{speaker_id}/split": {"does not speak as"},
    "POST /api/libraries/{slug}/speakers/{speaker_id}/clips": {"not_audio", "voice_unclear", *FORM_NAMES},
    "PATCH /api/items/{item_id}/transcript/segments": {"is named twice"},
    # What the segments say decides how long they get.
    "POST /api/items/{item_id}/transcript/replace": {"would have"},
    # The dataset's settings decide.
    "PATCH /api/items/{item_id}": {"metadata_required", "must lie in the future"},
    # The query is one of OAuth, and names a program that has registered.
    "POST /api/authorizations/look": PROGRAM,
    "POST /api/authorizations": PROGRAM,
}
"""By operation, codes or parts of messages of refusals that depend on more than any schema can say."""
EVERYWHERE = {"must hold a character that can be seen"}
"""The document's expressions know those of the first 65,536 characters alone that show nothing."""

# Real recordings reach what follows the check of the bytes.
mimetypes.add_type("audio/flac", ".flac")
schemathesis.openapi.media_type("audio/flac", st.just(RECORDING))
schemathesis.openapi.media_type("application/offset+octet-stream", st.binary(max_size=1024))


@schemathesis.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    """Leave what others need alone: once the key is revoked, every other answer is 401."""
    name, kept = KEPT.get(case.operation.label, ("", set()))
    return str(case.path_parameters.get(name, "")).strip() not in kept


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Keep all failures but refusals of what is valid by the schema and wrong for another reason."""
    if not isinstance(failure, RejectedPositiveData) or not response.content:
        return True
    answer: dict[str, Any] = response.json()
    # An older name of an operation is refused as the operation is.
    label = case.operation.label.replace(" /api/episodes/", " /api/items/").replace(" /api/v1/", " /api/")
    label = label.replace("/items/url", "/items")
    reasons = BEYOND_SCHEMAS.get(label, set()) | EVERYWHERE
    told = answer["error"] if isinstance(answer["error"], dict) else answer  # as OpenAI's routes answer
    return not any(reason == told["code"] or reason in told["message"] for reason in reasons)
