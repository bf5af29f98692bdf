"""Buckets in SeaweedFS, an S3 that answers on the loopback interface."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from echoic.testing.object_store import ObjectStore
from tests.folders import passable_folder


@dataclass(frozen=True)
class Bucket:
    store: ObjectStore
    name: str

    @property
    def endpoint(self) -> str:
        return self.store.endpoint

    @property
    def url(self) -> str:
        return f"s3://{self.name}/some/prefix"

    @property
    def environment(self) -> dict[str, str]:
        return self.store.environment

    def unfinished_uploads(self) -> int:
        return self.store.unfinished_uploads(self.name)


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """The store of all tests of a process; one that ends it starts it again."""
    with passable_folder() as folder:
        store = ObjectStore(folder)
        store.start()
        yield store
        store.kill()


def make_bucket(store: ObjectStore) -> Bucket:
    bucket = Bucket(store, f"echoic-{uuid.uuid4().hex}")
    store.make_bucket(bucket.name)
    return bucket


@pytest.fixture
def bucket(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = make_bucket(object_store)
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    return bucket
