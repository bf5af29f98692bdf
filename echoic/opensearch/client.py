"""The one border to OpenSearch: its client, made from the settings, and its errors as ours.

The library is imported when a client is made: most installations have neither.
"""

import re
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from echoic.errors import SearchUnavailable, SettingInvalid
from echoic.logs import get_logger
from echoic.opensearch.bulk import Action, document_of

if TYPE_CHECKING:
    from opensearchpy import AsyncOpenSearch

REQUEST_SECONDS = 10.0
"""Time for an answer; a search that takes longer has failed."""
WRITE_SECONDS = 30.0
"""Time for changes, which wait for every node that has to know of them."""
CONNECTIONS = 20
NEEDED = "ECHOIC_SEARCH_URL needs the extra 'opensearch': pip install 'echoic[opensearch]'."
WRONG_URL = "ECHOIC_SEARCH_URL must be an address such as https://user:password@host:9200."
UNKNOWN_USER = "OpenSearch does not accept the user and the password in ECHOIC_SEARCH_URL."
UNTRUSTED = (
    "The certificate of the OpenSearch in ECHOIC_SEARCH_URL is not trusted: {reason}. "
    "ECHOIC_SEARCH_CA_FILE may name the authority that vouches for it."
)
NOT_FOUND = 404
STALE_VERSION = 409
TOO_LARGE = 413
TOO_LARGE_ALONE = f"{TOO_LARGE} too large for OpenSearch or a proxy before it"
FIRST_ERROR = 400
NOT_TAKEN = 400
"""The document is at fault. Every other status tells of the cluster: it is too busy, or takes no writes because its disk is full."""

_FIELD = re.compile(r"""field(?:="| \[)([a-z_]{1,20})[]"]""")

logger = get_logger(__name__)


class OpenSearchClient:
    """The requests that we make of a cluster. All raise SearchUnavailable where it is away, or too busy."""

    def __init__(self, url: str, *, ca_file: Path | None = None) -> None:
        """``url`` holds user and password where the cluster wants any. Raises SettingInvalid."""
        self._client = _made(url, ca_file)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def create_index(self, name: str, body: Mapping[str, Any]) -> None:
        """Create an index, unless it is there."""
        with _translated():
            if not await self._client.indices.exists(index=name):
                await self._client.indices.create(
                    index=name, body=dict(body), params={"request_timeout": WRITE_SECONDS}
                )

    async def has_plugin(self, name: str) -> bool:
        """Return whether every node has a plugin; False, which is logged, where the user may not ask that."""
        with _translated():
            try:
                told = await self._client.nodes.info(metric="plugins")
            except _forbidden():
                logger.warning("opensearch_plugins_unknown", plugin=name, needs="cluster:monitor/nodes/info")
                return False
        nodes = told["nodes"].values()
        return all(name in {one["name"] for one in [*node["plugins"], *node["modules"]]} for node in nodes)

    async def has_field(self, index: str, field: str) -> bool:
        """Return whether an index, or the one that an alias leads to, has a field. Raises SearchUnavailable where there is none."""
        with _translated():
            found = await self._client.indices.get_field_mapping(fields=field, index=index)
        return any(one["mappings"] for one in found.values())

    async def has_alias(self, name: str) -> bool:
        """Return whether an alias is there."""
        with _translated():
            return bool(await self._client.indices.exists_alias(name=name))

    async def delete_index(self, name: str) -> None:
        """Delete an index, if it is there."""
        with _translated():
            params = {"ignore_unavailable": "true", "request_timeout": WRITE_SECONDS}
            await self._client.indices.delete(index=name, params=params)

    async def indices_of(self, pattern: str) -> list[str]:
        """Return the names of the indices that a pattern with ``*`` fits."""
        with _translated():
            found = await self._client.indices.get(index=pattern, params={"allow_no_indices": "true"})
            return sorted(found)

    async def point(self, alias: str, name: str) -> None:
        """Have an alias lead to one index, and to no other, in one step."""
        with _translated():
            actions = [{"add": {"index": name, "alias": alias}}]
            if await self._client.indices.exists_alias(name=alias):
                former = await self._client.indices.get_alias(name=alias)
                actions += [{"remove": {"index": other, "alias": alias}} for other in former if other != name]
            await self._client.indices.update_aliases(
                body={"actions": actions}, params={"request_timeout": WRITE_SECONDS}
            )

    async def refresh(self, name: str) -> None:
        """Make what was written findable now."""
        with _translated():
            await self._client.indices.refresh(index=name, params={"request_timeout": WRITE_SECONDS})

    async def refresh_interval(self, name: str) -> str | None:
        """Return after how long an index makes findable what is written; None where there is no such index."""
        params = {"ignore_unavailable": "true", "allow_no_indices": "true"}
        with _translated():
            found = await self._client.indices.get_settings(index=name, name="index.refresh_interval", params=params)
        return next((one["settings"]["index"]["refresh_interval"] for one in found.values() if one["settings"]), None)

    async def set_refresh_interval(self, name: str, interval: str) -> None:
        """Have what is written findable after so long from now on; with ``-1`` not before it is refreshed."""
        with _translated():
            body = {"index": {"refresh_interval": interval}}
            await self._client.indices.put_settings(index=name, body=body, params={"request_timeout": WRITE_SECONDS})

    async def write(self, alias: str, actions: Sequence[Action]) -> dict[str, str]:
        """Carry out actions of the bulk API; those that are older than what is there are passed over.

        A request that is too large is halved until it passes. Returns the ids of the documents that are refused for what they
        hold, or for their size, each with the reason. All others are written.
        """
        with _translated():
            answer = await self._bulk(alias, actions)
        if answer is None:
            return await self._write_halves(alias, actions)
        refused: dict[str, str] = {}
        for action in answer["items"] if answer["errors"] else ():
            ((kind, result),) = action.items()
            status = result["status"]
            if status < FIRST_ERROR or status == STALE_VERSION or (kind == "delete" and status == NOT_FOUND):
                continue
            reason = _refusal(status, result["error"])
            if status != NOT_TAKEN:
                logger.warning("search_write_refused", alias=alias, reason=reason)
                raise SearchUnavailable
            refused[result["_id"]] = reason
        return refused

    async def _bulk(self, alias: str, actions: Sequence[Action]) -> dict[str, Any] | None:
        """Return OpenSearch's answer to one request; None where that is too large."""
        from opensearchpy import exceptions

        params = {"request_timeout": WRITE_SECONDS, "require_alias": "true"}
        try:
            answer: dict[str, Any] = await self._client.bulk(body=list(chain(*actions)), index=alias, params=params)
        except exceptions.TransportError as error:
            if error.status_code != TOO_LARGE:
                raise
            return None
        return answer

    async def _write_halves(self, alias: str, actions: Sequence[Action]) -> dict[str, str]:
        logger.debug("search_request_too_large", alias=alias, actions=len(actions))
        if len(actions) > 1:
            half = len(actions) // 2
            return await self.write(alias, actions[:half]) | await self.write(alias, actions[half:])
        if (number := document_of(actions[0])) is None:
            # What is to be deleted must not be found: it is tried until there is room for that.
            logger.warning("search_write_refused", alias=alias, reason=TOO_LARGE_ALONE)
            raise SearchUnavailable
        return {number: TOO_LARGE_ALONE}

    async def search(self, name: str, body: Mapping[str, Any], *, routing: str | None) -> dict[str, Any]:
        """Return OpenSearch's answer to a search."""
        params = {} if routing is None else {"routing": routing}
        with _translated():
            found: dict[str, Any] = await self._client.search(index=name, body=dict(body), params=params)
        if found["timed_out"] or found["_shards"]["failed"]:
            # A part of the answer would look like all of it.
            raise SearchUnavailable
        return found


def _made(url: str, ca_file: Path | None) -> "AsyncOpenSearch":
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 9200)
    except ValueError as error:
        raise SettingInvalid(WRONG_URL) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingInvalid(WRONG_URL)
    if ca_file is not None and not ca_file.is_file():
        raise SettingInvalid(f"There is no file {ca_file} (ECHOIC_SEARCH_CA_FILE).")
    try:
        from opensearchpy import AsyncOpenSearch
    except ImportError as error:
        raise SettingInvalid(NEEDED) from error
    host = {"host": parts.hostname, "port": port, "url_prefix": parts.path.strip("/")}
    secure: dict[str, Any] = {}
    if parts.scheme == "https":
        _check(ca_file)
        secure = {"use_ssl": True, "verify_certs": True, "ca_certs": str(ca_file) if ca_file else None}
    if parts.username is not None:
        named = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        # In UTF-8, as OpenSearch reads it; the library would write it in Latin-1.
        secure["headers"] = {"Authorization": f"Basic {b64encode(named).decode()}"}
    return AsyncOpenSearch(
        hosts=[host], timeout=REQUEST_SECONDS, max_retries=1, retry_on_timeout=False, maxsize=CONNECTIONS, **secure
    )


def _check(ca_file: Path | None) -> None:
    try:
        ssl.create_default_context(cafile=ca_file)
    except (ssl.SSLError, OSError) as error:
        raise SettingInvalid(f"The file {ca_file} (ECHOIC_SEARCH_CA_FILE) holds no certificates in PEM.") from error


@contextmanager
def _translated() -> Iterator[None]:
    from opensearchpy import exceptions

    try:
        yield
    except exceptions.OpenSearchException as error:
        # The text may hold the address, and never holds the password.
        logger.warning("opensearch_failed", error=type(error).__name__, reason=_reason(error))
        raise SearchUnavailable(_sentence(error)) from error


def _sentence(error: Exception) -> str | None:
    """Return what is wrong with the settings, for those who can change them; None where that is not known."""
    from opensearchpy import exceptions

    if isinstance(error, exceptions.AuthenticationException):
        return UNKNOWN_USER
    if isinstance(error, exceptions.ConnectionError):
        fault = getattr(error.info, "certificate_error", None)
        if isinstance(fault, ssl.SSLCertVerificationError):
            return UNTRUSTED.format(reason=fault.verify_message)
    return None


def _forbidden() -> type[Exception]:
    from opensearchpy import exceptions

    refusal: type[Exception] = exceptions.AuthorizationException
    return refusal


def _refusal(status: int, error: Mapping[str, Any]) -> str:
    """Return why a document was refused, without what it holds, which OpenSearch's sentence may quote."""
    field = _FIELD.search(error["reason"])
    return f"{status} {error['type']}" + (f" in '{field[1]}'" if field is not None else "")


def _reason(error: Exception) -> str:
    return str(getattr(error, "error", None) or error)[:500]
