"""Client ID metadata documents: the client_id is an https address, whose JSON describes the client.

See https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/. Whoever names such an address makes this
server fetch it, so the fetch has the guard of audio URLs.
"""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from echoic.db.oauth.clients import Described
from echoic.errors import (
    AudioUrlInvalid,
    FetchProxyUnavailable,
    InvalidClientMetadata,
    InvalidRedirectUri,
    ProgramUnusable,
    SourceUnusable,
)
from echoic.intake.documents import Document, fetch_document
from echoic.intake.egress import Egress
from echoic.logs import get_logger
from echoic.oauth import descriptions

MAX_BYTES = 65_536
TIMEOUT_SECONDS = 5.0
LEAST_FRESH_SECONDS, FRESH_SECONDS, MOST_FRESH_SECONDS = 300.0, 3600.0, 86_400.0
"""For how long a document is not fetched again: at least, where it does not say, and at most."""
MAX_ID_CHARACTERS = 500
SECRETS = ("client_secret", "client_secret_expires_at")
"""A document that everybody may read cannot share a secret."""

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,9})")

logger = get_logger(__name__)


def is_document(client_id: str) -> bool:
    """Return whether a client_id is the address of a document."""
    return client_id.startswith("https://")


def require_address(client_id: str) -> None:
    """Raise ProgramUnusable where the address is none that may stand for a client."""
    try:
        parts = urlsplit(client_id)
    except ValueError as error:
        raise ProgramUnusable("The client_id cannot be read as an address.") from error
    steps = parts.path.split("/")
    if (
        len(client_id) > MAX_ID_CHARACTERS
        or client_id != client_id.strip()
        or "#" in client_id
        or "@" in parts.netloc
        or parts.path in ("", "/")
        or "." in steps
        or ".." in steps
    ):
        raise ProgramUnusable(
            "A client_id that is an address must be https with a path, and have no fragment, credentials or '..'."
        )


async def fetch(client_id: str, egress: Egress, *, hosts: Sequence[str]) -> tuple[Described, float]:
    """Return the client that the document describes, and for how many seconds it need not be fetched again.

    Raises ProgramUnusable with what is wrong.
    """
    require_address(client_id)
    try:
        document = await fetch_document(client_id, egress, max_bytes=MAX_BYTES, timeout_seconds=TIMEOUT_SECONDS)
    except AudioUrlInvalid as error:
        logger.info("client_document_not_fetched", client_id=client_id, why=error.message)
        raise ProgramUnusable(error.message.replace("audio_url", "client_id")) from error
    except (SourceUnusable, FetchProxyUnavailable) as error:
        logger.info("client_document_not_fetched", client_id=client_id, code=error.code, why=error.message)
        raise ProgramUnusable(
            f"The program's description could not be fetched from its address ({error.code}): it must be there without a "
            f"redirect, within {TIMEOUT_SECONDS:g} seconds and {MAX_BYTES:,} bytes, at a public address."
        ) from error
    return read(client_id, document, hosts=hosts), fresh_seconds(document.cache_control)


def read(client_id: str, document: Document, *, hosts: Sequence[str]) -> Described:
    """Return the client that a document describes. Raises ProgramUnusable."""
    fields = _fields(document)
    if fields.get("client_id") != client_id:
        raise ProgramUnusable("The program's description names another client_id than its own address.")
    if any(name in fields for name in SECRETS):
        raise ProgramUnusable("The program's description holds a secret, which everybody could read.")
    try:
        described = descriptions.read(fields, hosts=hosts, default_auth_method=descriptions.NONE)
    except (InvalidClientMetadata, InvalidRedirectUri) as error:
        raise ProgramUnusable(f"The program's description cannot be used: {error.message}") from error
    if described.auth_method != descriptions.NONE:
        raise ProgramUnusable("The program's description must have token_endpoint_auth_method 'none'.")
    return described


def fresh_seconds(cache_control: str) -> float:
    """Return for how long a document with this header, in lower case, is not fetched again (RFC 9111)."""
    if "no-store" in cache_control or "no-cache" in cache_control:
        return LEAST_FRESH_SECONDS
    age = _MAX_AGE.search(cache_control)
    return FRESH_SECONDS if age is None else min(max(float(age[1]), LEAST_FRESH_SECONDS), MOST_FRESH_SECONDS)


def _fields(document: Document) -> dict[str, Any]:
    kind = document.media_type
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ProgramUnusable("The program's description is not served as application/json.")
    try:
        fields = json.loads(document.body)
    except (ValueError, RecursionError) as error:
        raise ProgramUnusable("The program's description is no JSON.") from error
    if not isinstance(fields, dict):
        raise ProgramUnusable("The program's description is no JSON object.")
    return fields
