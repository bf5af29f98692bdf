"""The table of routes: what each is asked with, which scope it takes, and who may ask it."""

from collections.abc import Callable, Iterator
from typing import Any

from echoic.api.openapi import DocumentedApi
from tests.api import ietf
from tests.api.open_paths import OPEN_PATHS
from tests.api.people import A, B
from tests.api.tus import BYTES, VERSION, creation
from tests.api.uploading import form

Ids = dict[str, Any]
Request = Callable[[Ids], dict[str, Any]]

ABSENT: Ids = {
    "slug": "nowhere",
    "dataset_id": 987_654_321,
    "item_id": 987_654_321,
    "speaker_id": 987_654_321,
    "other_id": 987_654_322,
    "account_id": 987_654_321,
    "key_id": 987_654_321,
    "session_id": 987_654_321,
    "program_id": 987_654_321,
    "invitation_id": 987_654_321,
    "notification_id": 987_654_321,
    "webhook_id": 987_654_321,
    "address_id": 987_654_321,
    "delivery_id": "msg_" + "0" * 32,
    "share_id": 987_654_321,
    "upload_id": "0" * 32,
    "entity": "Nobody",
    "entity_id": 987_654_321,
    "other_entity_id": 987_654_322,
    "decision_id": 987_654_321,
    "text_id": 987_654_321,
    "source_id": 987_654_321,
    "receipt_id": "del_" + "0" * 32,
}
PLACES = {"label": A, "position": 0, "number": 1, "model": "whisper-1"}
"""Within an item, and the same in all; and a model that every server has."""
OUTSIDE = (
    *OPEN_PATHS,
    *(
        "/api/account",
        "/api/items",
        "/api/account/sign-in",
        "/api/sessions",
        "/api/connected-programs",
        "/api/authorizations",
        "/api/authorizations/look",
        "/api/sign-out",
        "/api/sign-in-tokens",
        "/api/accounts",
        "/api/invitations/accept",
        "/api/usage",
        "/api/keys",
        "/api/webhooks",
        "/api/notifications",
        "/api/notifications/digest",
        "/api/email-addresses",
        "/api/deletions",
        "/api/deletion-key",
    ),
    *("/v1/models", "/v1/models/{model}"),
    *("/api/events", "/api/queue", "/api/confinement", "/api/libraries"),
)
"""Take no ids; what they list and make is the caller's own, or public. Slugs are one name space: 409 tells of those taken."""


def nothing(_: Ids) -> dict[str, Any]:
    return {}


def body(**fields: Any) -> Request:
    return lambda _: {"json": fields}


def upload(_: Ids) -> dict[str, Any]:
    return form()


def speech(ids: Ids) -> dict[str, Any]:
    """A form that is refused once it was read: what is taken is answered when its words are known."""
    return {
        "params": {"dataset": ids["dataset_id"]},
        "files": {"file": ("talk.wav", b"sound")},
        "data": {"response_format": "song"},
    }


def some_items(**more: Any) -> Request:
    return lambda ids: {"json": {"items": [ids["item_id"]], **more}}


def move(ids: Ids) -> dict[str, Any]:
    return {"json": {"items": [ids["item_id"]], "dataset_id": ids["dataset_id"]}}


def search(ids: Ids) -> dict[str, Any]:
    filters = {
        "libraries": [ids["slug"]],
        "datasets": [ids["dataset_id"]],
        "items": [ids["item_id"]],
        "speaker_ids": [ids["speaker_id"]],
        "entities": [ids["entity"]],
    }
    return {"json": {"query": "word", "filters": filters, "options": {"include_aggregations": True}}}


def question(ids: Ids) -> dict[str, Any]:
    return {"json": {"question": "word", "filters": search(ids)["json"]["filters"]}}


def named(ids: Ids) -> dict[str, Any]:
    return {"params": {"name": ids["entity"], "library": ids["slug"], "dataset": ids["dataset_id"]}}


LABEL = "/api/items/{item_id}/speakers/{label}"
TRANSCRIPT = "/api/items/{item_id}/transcript"
UPLOAD = "/api/datasets/{dataset_id}/uploads/{upload_id}"
SPEAKER = "/api/libraries/{slug}/speakers/{speaker_id}"
DELIVERY = "/api/webhooks/{webhook_id}/deliveries/{delivery_id}"
ENTITY = "/api/libraries/{slug}/entities/{entity_id}"
SOURCES = "/api/datasets/{dataset_id}/sources"
SOURCE = f"{SOURCES}/{{source_id}}"
UPLOADS = "/api/datasets/{dataset_id}/uploads"
PIECE = {**VERSION, **BYTES, "Upload-Offset": "0"}
IETF_CREATION = {**ietf.DISPOSITION, **ietf.MORE, "Upload-Length": "1000"}
IETF_PIECE = {**ietf.PIECE, **ietf.MORE, "Upload-Offset": "0"}

ROUTES: dict[str, tuple[str, Request]] = {
    "GET /api/libraries/{slug}": ("read", nothing),
    "PATCH /api/libraries/{slug}": ("manage", body(visibility="public")),
    "DELETE /api/libraries/{slug}": ("manage", lambda _: {"params": {"force": True}}),
    "POST /api/libraries/{slug}/subscribe": ("manage", nothing),
    "DELETE /api/libraries/{slug}/subscribe": ("manage", nothing),
    "GET /api/libraries/{slug}/members": ("read", nothing),
    "PUT /api/libraries/{slug}/members/{account_id}": ("manage", body(role="owner")),
    "DELETE /api/libraries/{slug}/members/{account_id}": ("manage", nothing),
    "POST /api/libraries/{slug}/invitations": ("manage", body(role="editor")),
    "GET /api/libraries/{slug}/invitations": ("manage", nothing),
    "DELETE /api/libraries/{slug}/invitations/{invitation_id}": ("manage", nothing),
    "POST /api/datasets": ("manage", lambda ids: {"json": {"name": "New", "library": ids["slug"]}}),
    "GET /api/datasets": ("read", lambda ids: {"params": {"library": ids["slug"]}}),
    "GET /api/datasets/{dataset_id}": ("read", nothing),
    "PATCH /api/datasets/{dataset_id}": ("manage", body(identify_speakers=False)),
    "DELETE /api/datasets/{dataset_id}": ("manage", nothing),
    "GET /api/libraries/{slug}/feeds/opml": ("read", nothing),
    "POST /api/libraries/{slug}/feeds/opml": ("manage", body(opml="<opml version='2.0'><body/></opml>")),
    "GET /api/datasets/{dataset_id}/feed.xml": ("read", nothing),
    "HEAD /api/datasets/{dataset_id}/feed.xml": ("read", nothing),
    "GET /api/datasets/{dataset_id}/feed": ("read", nothing),
    "PATCH /api/datasets/{dataset_id}/feed": ("manage", body(paused=True)),
    "POST /api/datasets/{dataset_id}/feed/poll": ("upload", nothing),
    "GET /api/datasets/{dataset_id}/feed/entries": ("read", nothing),
    "POST /api/datasets/{dataset_id}/feed/take": ("upload", body(newest=1)),
    f"POST {SOURCES}": ("manage", body(folder="/srv/calls")),
    f"GET {SOURCES}": ("read", nothing),
    f"GET {SOURCE}": ("read", nothing),
    f"PATCH {SOURCE}": ("manage", body(paused=True)),
    f"DELETE {SOURCE}": ("manage", nothing),
    f"POST {SOURCE}/look": ("manage", body(retry_failed=True)),
    f"GET {SOURCE}/files": ("read", nothing),
    "GET /api/datasets/{dataset_id}/items": ("read", nothing),
    "POST /api/datasets/{dataset_id}/items": ("upload", upload),
    "POST /api/datasets/{dataset_id}/items/url": ("upload", upload),
    "POST /api/datasets/{dataset_id}/items/delete": ("manage", some_items()),
    "POST /api/datasets/{dataset_id}/items/move": ("upload", move),
    "POST /api/datasets/{dataset_id}/items/transcribe": ("upload", some_items(again=True)),
    "GET /api/datasets/{dataset_id}/export": ("read", lambda ids: {"params": {"item": ids["item_id"]}}),
    "POST /api/datasets/{dataset_id}/replace": ("upload", some_items(find="word", replace="mine")),
    "GET /api/datasets/{dataset_id}/vocabulary/suggestions": ("manage", nothing),
    "POST /api/datasets/{dataset_id}/vocabulary/accept": ("manage", body(term="Kubernetes")),
    "POST /api/datasets/{dataset_id}/vocabulary/dismiss": ("manage", body(term="Kubernetes")),
    "POST /api/datasets/{dataset_id}/upload-links": ("upload", nothing),
    "OPTIONS /api/datasets/{dataset_id}/uploads": ("upload", lambda _: {"headers": VERSION}),
    "POST /api/datasets/{dataset_id}/uploads": ("upload", lambda _: {"headers": {**VERSION, **creation(1000, {})}}),
    f"HEAD {UPLOAD}": ("upload", lambda _: {"headers": VERSION}),
    f"PATCH {UPLOAD}": ("upload", lambda _: {"headers": PIECE, "content": b"x"}),
    f"DELETE {UPLOAD}": ("upload", lambda _: {"headers": VERSION}),
    f"GET {UPLOAD}": ("upload", nothing),
    f"POST {UPLOADS} by the IETF": ("upload", lambda _: {"headers": IETF_CREATION}),
    f"HEAD {UPLOAD} by the IETF": ("upload", nothing),
    f"PATCH {UPLOAD} by the IETF": ("upload", lambda _: {"headers": IETF_PIECE, "content": b"x"}),
    f"DELETE {UPLOAD} by the IETF": ("upload", nothing),
    f"POST {UPLOAD}": ("upload", lambda _: {"headers": {**VERSION, "X-HTTP-Method-Override": "DELETE"}}),
    "GET /api/items/{item_id}": ("read", nothing),
    "PATCH /api/items/{item_id}": ("upload", body(title="Mine")),
    "DELETE /api/items/{item_id}": ("manage", nothing),
    "POST /api/items/{item_id}/cancel": ("upload", nothing),
    "POST /api/items/{item_id}/transcribe": ("upload", body(again=True)),
    "GET /api/items/{item_id}/audio": ("read", nothing),
    "HEAD /api/items/{item_id}/audio": ("read", nothing),
    "GET /api/items/{item_id}/peaks": ("read", nothing),
    "GET /api/items/{item_id}/events": ("read", nothing),
    "GET /api/items/{item_id}/chapters": ("read", nothing),
    "GET /api/items/{item_id}/published-texts": ("read", nothing),
    "GET /api/items/{item_id}/published-texts/{text_id}": ("read", nothing),
    "GET /api/items/{item_id}/published-texts/{text_id}/file": ("read", nothing),
    "GET /api/items/{item_id}/chapters/file": ("read", lambda _: {"params": {"format": "podcast"}}),
    "POST /api/items/{item_id}/chapters/write": ("upload", nothing),
    "GET /api/items/{item_id}/entities": ("read", nothing),
    f"GET {TRANSCRIPT}": ("read", nothing),
    f"PATCH {TRANSCRIPT}/segments": ("upload", body(segments=[{"id": 0, "text": "mine"}])),
    f"PATCH {TRANSCRIPT}/segments/{{position}}": ("upload", body(text="mine")),
    f"POST {TRANSCRIPT}/replace": ("upload", body(find="word", replace="mine")),
    f"POST {TRANSCRIPT}/versions/{{number}}/restore": ("upload", nothing),
    f"GET {TRANSCRIPT}/versions": ("read", nothing),
    f"GET {TRANSCRIPT}/versions/{{number}}": ("read", nothing),
    "GET /api/items/{item_id}/speakers": ("read", nothing),
    f"POST {LABEL}": ("upload", lambda ids: {"json": {"speaker_id": ids["speaker_id"]}}),
    f"DELETE {LABEL}": ("upload", nothing),
    f"POST {LABEL}/merge": ("upload", body(into=B)),
    f"POST {LABEL}/split": ("upload", lambda ids: {"json": {"segments": [0], "speaker_id": ids["speaker_id"]}}),
    "GET /api/libraries/{slug}/speakers": ("read", nothing),
    "GET /api/speakers": ("read", lambda ids: {"params": {"library": ids["slug"]}}),
    "GET /api/libraries/{slug}/suggestions": ("read", nothing),
    "POST /api/libraries/{slug}/speakers": ("manage", body(name="Carla")),
    f"GET {SPEAKER}": ("read", nothing),
    f"PATCH {SPEAKER}": ("manage", body(name="Carla")),
    f"DELETE {SPEAKER}": ("manage", nothing),
    f"GET {SPEAKER}/appearances": ("read", nothing),
    f"POST {SPEAKER}/clips": ("manage", upload),
    f"DELETE {SPEAKER}/voiceprints": ("manage", nothing),
    f"POST {SPEAKER}/merge": ("manage", lambda ids: {"json": {"speaker_ids": [ids["other_id"]]}}),
    f"POST {SPEAKER}/split": (
        "manage",
        lambda ids: {"json": {"name": "Carla", "appearances": [{"item_id": ids["item_id"], "label": A}]}},
    ),
    "GET /api/entities": ("read", named),
    "GET /api/entities/mentions": ("read", named),
    "GET /api/entities/neighbors": ("read", named),
    "GET /api/entities/{entity_id}": ("read", nothing),
    "GET /api/entities/{entity_id}/graph": ("read", nothing),
    "GET /api/trending": ("read", lambda ids: {"params": {"library": ids["slug"], "dataset": ids["dataset_id"]}}),
    "POST /api/shares": ("read", lambda ids: {"json": {"item_id": ids["item_id"]}}),
    "GET /api/shares": ("read", lambda ids: {"params": {"item_id": ids["item_id"]}}),
    "DELETE /api/shares/{share_id}": ("manage", nothing),
    f"PATCH {ENTITY}": ("manage", body(name="Carla")),
    f"POST {ENTITY}/merge": ("manage", lambda ids: {"json": {"entity_ids": [ids["other_entity_id"]]}}),
    f"POST {ENTITY}/split": ("manage", lambda ids: {"json": {"name": "Carla", "items": [ids["item_id"]]}}),
    f"POST {ENTITY}/hide": ("manage", nothing),
    "GET /api/libraries/{slug}/entity-decisions": ("read", nothing),
    "POST /api/libraries/{slug}/entity-decisions/{decision_id}/undo": ("manage", nothing),
    "POST /api/search": ("read", search),
    "POST /api/v1/search": ("read", search),
    "POST /api/ask": ("read", question),
    "GET /api/search": ("read", lambda _: {"params": {"q": "word"}}),
    "DELETE /api/keys/{key_id}": ("manage", nothing),
    "DELETE /api/sessions/{session_id}": ("manage", nothing),
    "DELETE /api/connected-programs/{program_id}": ("manage", nothing),
    "PATCH /api/notifications/{notification_id}": ("manage", body(name="Mine")),
    "DELETE /api/notifications/{notification_id}": ("manage", nothing),
    "POST /api/email-addresses/{address_id}/confirmation": ("manage", nothing),
    "DELETE /api/email-addresses/{address_id}": ("manage", nothing),
    "GET /api/webhooks/{webhook_id}": ("read", nothing),
    "PATCH /api/webhooks/{webhook_id}": ("manage", body(enabled=False)),
    "DELETE /api/webhooks/{webhook_id}": ("manage", nothing),
    "POST /api/webhooks/{webhook_id}/rotate": ("manage", nothing),
    "POST /api/webhooks/{webhook_id}/test": ("manage", nothing),
    "GET /api/webhooks/{webhook_id}/deliveries": ("read", nothing),
    f"GET {DELIVERY}": ("read", nothing),
    f"POST {DELIVERY}/resend": ("manage", nothing),
    "GET /api/deletions/{receipt_id}": ("read", nothing),
    "GET /api/accounts/{account_id}": ("manage", nothing),
    "PATCH /api/accounts/{account_id}": ("manage", body(is_admin=True)),
    "DELETE /api/accounts/{account_id}": ("manage", lambda _: {"params": {"delete_libraries": True}}),
    "DELETE /api/accounts/{account_id}/identities": (
        "manage",
        lambda _: {"params": {"issuer": "https://id.example.org", "subject": "7"}},
    ),
    "GET /api/workers": ("manage", nothing),
    "GET /api/stages": ("manage", nothing),
    "GET /api/failures": ("manage", nothing),
    "GET /api/failures/items": ("manage", lambda _: {"params": {"code": "stage_crashed"}}),
    "POST /api/failures/retry": ("manage", lambda ids: {"json": {"code": "x", "item_ids": [ids["item_id"]]}}),
    "GET /api/installation": ("manage", nothing),
    "GET /api/storage": ("manage", nothing),
    "GET /api/podcasts": ("read", nothing),
    "GET /api/episodes": ("read", nothing),
    "POST /v1/audio/transcriptions": ("upload", speech),
    "POST /v1/audio/translations": ("upload", speech),
}
"""What each is asked with, and the scope it takes; older names of the same routes are asked for the same."""

OLDER = (("/api/podcasts/{dataset_id}/episodes", "/api/datasets/{dataset_id}/items"), ("podcasts/{", "datasets/{"))


BY_THE_IETF = (("POST", UPLOADS), ("HEAD", UPLOAD), ("PATCH", UPLOAD), ("DELETE", UPLOAD))
"""Routes of two protocols; the document has one operation for both."""


def of_the_document(app: DocumentedApi) -> Iterator[tuple[str, str, str]]:
    """Method, path, and the name in the table."""
    for method, path in BY_THE_IETF:
        yield method, path, f"{method} {path} by the IETF"
    for path, methods in app.openapi()["paths"].items():
        newer = path.replace("/api/episodes/", "/api/items/")
        for old, new in OLDER:
            newer = newer.replace(old, new)
        for method in methods:
            if path not in OUTSIDE:
                yield method.upper(), path, f"{method.upper()} {newer}"


WEBHOOKS = tuple(
    name for name in ROUTES if any(one in name for one in ("{webhook_id}", "{notification_id}", "{address_id}"))
)
MEMBERS_ONLY = (
    "GET /api/libraries/{slug}/members",
    f"GET {TRANSCRIPT}/versions",
    f"GET {TRANSCRIPT}/versions/{{number}}",
    "GET /api/libraries/{slug}/feeds/opml",
    "GET /api/datasets/{dataset_id}/feed",
    "GET /api/datasets/{dataset_id}/feed/entries",
    f"GET {SOURCES}",
    f"GET {SOURCE}",
    f"GET {SOURCE}/files",
    "GET /api/libraries/{slug}/entity-decisions",
)
OWN = (
    *(f"HEAD {UPLOAD}", f"PATCH {UPLOAD}", f"DELETE {UPLOAD}", f"POST {UPLOAD}", f"GET {UPLOAD}"),
    *(f"{method} {UPLOAD} by the IETF" for method in ("HEAD", "PATCH", "DELETE")),
    *("DELETE /api/keys/{key_id}", "DELETE /api/sessions/{session_id}"),
    "DELETE /api/connected-programs/{program_id}",
    "DELETE /api/shares/{share_id}",
    "GET /api/deletions/{receipt_id}",
    *(f"{method} /api/accounts/{{account_id}}" for method in ("GET", "PATCH", "DELETE")),
    "DELETE /api/accounts/{account_id}/identities",
    *WEBHOOKS,
)
"""Of the account, or of administrators, not of the library."""
MAKES_OWN = ("POST /api/shares",)
"""Whoever may read may make something of their own of it."""
FREE = (
    *MAKES_OWN,
    "POST /api/libraries/{slug}/subscribe",
    "DELETE /api/libraries/{slug}/subscribe",
    "GET /api/podcasts",
    "GET /api/episodes",
)
"""What everybody may do for themselves."""
OUTSIDERS = ("subscriber", None)
"""Who sees of a public library what everybody sees."""
OWNERS_ONLY = (
    "PATCH /api/libraries/{slug}",
    "DELETE /api/libraries/{slug}",
    "PUT /api/libraries/{slug}/members/{account_id}",
    "DELETE /api/libraries/{slug}/members/{account_id}",
    "POST /api/libraries/{slug}/invitations",
    "GET /api/libraries/{slug}/invitations",
    "DELETE /api/libraries/{slug}/invitations/{invitation_id}",
    "DELETE /api/datasets/{dataset_id}",
)
