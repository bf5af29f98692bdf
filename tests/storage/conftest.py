from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from echoic.storage.blobs import Blobs
from echoic.storage.local import STAGING_FOLDER, LocalBlobs
from echoic.storage.remote import RemoteBlobs
from tests.buckets import Bucket


@dataclass(frozen=True)
class Store:
    """A store, and what only a look past the protocol shows: how many half-written blobs lie about."""

    blobs: Blobs
    half_written: Callable[[], int]
    environment: dict[str, str]
    """Variables with which another process opens the same store."""

    async def keys(self) -> list[str]:
        return [found.key async for found in self.blobs.list_older_than(0)]


@pytest.fixture
def local_store(tmp_path: Path) -> Store:
    root = tmp_path / "blobs"
    staging = root / STAGING_FOLDER
    return Store(
        LocalBlobs.create(root),
        lambda: len(list(staging.iterdir())) if staging.exists() else 0,
        {"ECHOIC_DATA_DIR": str(tmp_path)},
    )


@pytest.fixture
def remote_store(bucket: Bucket) -> Store:
    environment = {"ECHOIC_STORAGE_URL": bucket.url, **bucket.environment}
    return Store(RemoteBlobs.from_url(bucket.url), bucket.unfinished_uploads, environment)


@pytest.fixture(params=["local", "remote"])
def store(request: pytest.FixtureRequest) -> Store:
    found = request.getfixturevalue(f"{request.param}_store")
    assert isinstance(found, Store)
    return found


@pytest.fixture
def blobs(store: Store) -> Blobs:
    return store.blobs
