"""Blobs in an object store (S3, Google Cloud Storage, Azure) through obstore."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from obstore.store import AzureStore, GCSStore, S3Store, from_url

from echoic.errors import BlobNotFound, SettingInvalid, StorageUnavailable
from echoic.storage import unfinished
from echoic.storage.blobs import ListedBlob, is_key, new_key
from echoic.storage.remote_staged import RemoteStagedBlob, Store, translated

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ClientConfig, RetryConfig

READ_BYTES = 1024 * 1024
CHECK_SECONDS = 5.0
_UNGIVEN_LIFETIME = timedelta(seconds=1)
"""Of a URL that nobody is given."""
_EMPTY_PREFIX = "readiness"
_URL_RULE = (
    "{named} must be s3://bucket/prefix, gs://bucket/prefix or az://container/prefix, with the vendor's own "
    "variables set as docs/storage.md says."
)
_VENDORS = ("AWS_", "GOOGLE_", "AZURE_")
"""How the names of the vendors' variables begin."""

# "timeout" covers a whole answer, also one that a slow reader takes in over hours; what must be bounded is silence.
# Options given here hide the vendors' variables for them (AWS_ALLOW_HTTP …). An endpoint is only ever without TLS where
# the operator wrote http:// into it, which is consent enough.
_CLIENT_OPTIONS: "ClientConfig" = {
    "allow_http": True,
    "connect_timeout": "5s",
    "read_timeout": "30s",
    "timeout": "12h",
}
_RETRY_CONFIG: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}


def open_store(url: str, *, named: str, options: Mapping[str, str] = MappingProxyType({})) -> Store:
    """Open the bucket and prefix the URL names; credentials, region and endpoint come from the vendor's variables.

    Empty variables count as unset, and are taken out of the environment. ``options`` are the same by their names in
    obstore, and count before the variables.

    Raises SettingInvalid, which speaks of the URL as ``named``, when obstore cannot use the URL or those variables.
    """
    config: Any = dict(options)
    _forget_empty_variables()
    try:
        store = from_url(url, config=config, client_options=_CLIENT_OPTIONS, retry_config=_RETRY_CONFIG)
    except (obstore.exceptions.BaseError, ValueError) as error:
        raise SettingInvalid(_URL_RULE.format(named=named)) from error
    if not isinstance(store, S3Store | GCSStore | AzureStore):
        raise SettingInvalid(_URL_RULE.format(named=named))
    return store


class RemoteBlobs:
    """A store in a bucket of S3, Google Cloud Storage or Azure; see blobs.Blobs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._origin: str | None = None

    @classmethod
    def from_url(cls, url: str, *, named: str = "ECHOIC_STORAGE_URL") -> "RemoteBlobs":
        """The bucket and prefix the URL names; see ``open_store``."""
        return cls(open_store(url, named=named))

    def stage(self, key: str | None = None) -> RemoteStagedBlob:
        key = new_key() if key is None else key
        _require_key(key)
        return RemoteStagedBlob(key, self._store)

    async def read_range(self, key: str, start: int, length: int) -> bytes:
        _require_key(key)
        if length <= 0:
            return b""
        try:
            with translated(missing=BlobNotFound):
                found = await obstore.get_range_async(self._store, key, start=start, length=length)
        except StorageUnavailable:
            if await self.stat(key) <= start:
                return b""  # stores answer a range beyond the end with an error
            raise
        return found.to_bytes()

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        _require_key(key)
        if end is None:
            end = await self.stat(key)
        if end <= start:
            return
        options: GetOptions = {"range": (start, end)}
        with translated(missing=BlobNotFound):
            answer = await obstore.get_async(self._store, key, options=options)
            async for chunk in answer.stream(min_chunk_size=READ_BYTES):
                yield bytes(chunk)

    async def stat(self, key: str) -> int:
        _require_key(key)
        with translated(missing=BlobNotFound):
            return (await obstore.head_async(self._store, key))["size"]

    async def delete(self, key: str) -> None:
        _require_key(key)
        with translated():
            await obstore.delete_async(self._store, key)

    async def list_older_than(self, age_seconds: float) -> AsyncIterator[ListedBlob]:
        limit = datetime.now(UTC) - timedelta(seconds=age_seconds)
        with translated():
            async for batch in obstore.list(self._store, chunk_size=1000):
                for found in batch:
                    if is_key(found["path"]) and found["last_modified"] <= limit:
                        yield ListedBlob(
                            key=found["path"], size_bytes=found["size"], modified_at=found["last_modified"]
                        )

    async def sweep_staging(self, older_than_seconds: float) -> int:
        if not isinstance(self._store, S3Store):
            return 0
        key = new_key()
        prefix = f"{self._store.prefix}/" if self._store.prefix else ""
        with translated():
            signed = await obstore.sign_async(self._store, "GET", key, _UNGIVEN_LIFETIME)
        signer = unfinished.Signer.like(signed, f"{prefix}{key}")
        if signer is None:
            return 0
        # A process that lives may write for longer than whoever asks supposes, and nothing here tells whether it does.
        limit = datetime.now(UTC) - timedelta(seconds=max(older_than_seconds, unfinished.MIN_AGE_SECONDS))
        removed = 0
        async for upload in unfinished.list_unfinished(signer, prefix):
            if is_key(upload.key.removeprefix(prefix)) and upload.begun_at <= limit:
                await unfinished.give_up(signer, upload)
                removed += 1
        return removed

    async def check(self) -> None:
        # A listing of nothing: it fails without the bucket or the right to it, as a look at a missing key would not.
        with translated():
            async with asyncio.timeout(CHECK_SECONDS):
                async for _ in obstore.list(self._store, _EMPTY_PREFIX, chunk_size=1):
                    break

    async def presign(self, key: str, seconds: float) -> str | None:
        _require_key(key)
        with translated():
            return await obstore.sign_async(self._store, "GET", key, timedelta(seconds=seconds))

    async def origin(self) -> str:
        if self._origin is None:
            with translated():
                url = await obstore.sign_async(self._store, "GET", new_key(), _UNGIVEN_LIFETIME)
            parts = urlsplit(url)
            self._origin = f"{parts.scheme}://{parts.netloc}"
        return self._origin


def _forget_empty_variables() -> None:
    # What starts containers can often only empty a variable. obstore, which reads them by itself, would ask an empty endpoint.
    for name in [name for name, value in os.environ.items() if not value and name.startswith(_VENDORS)]:
        os.environ.pop(name, None)


def _require_key(key: str) -> None:
    if not is_key(key):
        raise BlobNotFound
