import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from echoic.storage.blobs import Blobs
from echoic.storage.local import STAGING_FOLDER, LocalBlobs
from echoic.storage.remote import RemoteBlobs


@dataclass(frozen=True)
class Bucket:
    endpoint: str
    name: str

    @property
    def url(self) -> str:
        return f"s3://{self.name}/some/prefix"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT": self.endpoint,
        }

    def unfinished_uploads(self) -> int:
        with urllib.request.urlopen(f"{self.endpoint}/{self.name}?uploads") as answer:
            return int(answer.read().count(b"<Upload>"))


@dataclass(frozen=True)
class Store:
    """A store, and what only a look past the protocol shows: how many half-written blobs lie about."""

    blobs: Blobs
    half_written: Callable[[], int]
    environment: dict[str, str]
    """Variables with which another process opens the same store."""

    async def keys(self) -> list[str]:
        return [found.key async for found in self.blobs.list_older_than(0)]


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = Bucket(s3_endpoint, f"echoic-{uuid.uuid4().hex}")
    urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/{bucket.name}", method="PUT")).close()
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    return bucket


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
