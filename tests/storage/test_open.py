import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from echoic.errors import DataDirUnusable, SettingInvalid
from echoic.settings import Settings
from echoic.storage.blobs import new_key
from echoic.storage.local import LocalBlobs
from echoic.storage.open import open_blobs
from echoic.storage.remote import RemoteBlobs

if TYPE_CHECKING:
    from tests.buckets import Bucket


def test_without_a_url_blobs_lie_below_the_data_folder_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    assert isinstance(open_blobs(settings), LocalBlobs)
    assert stat.S_IMODE(settings.blobs_dir.stat().st_mode) == 0o700
    open_blobs(settings)  # a second start finds it there


async def test_a_url_opens_that_bucket(tmp_path: Path, bucket: "Bucket") -> None:
    blobs = open_blobs(Settings(data_dir=tmp_path, storage_url=bucket.url))
    assert isinstance(blobs, RemoteBlobs)
    await blobs.check()


async def test_empty_variables_of_the_vendor_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "")
    blobs = open_blobs(Settings(storage_url="s3://bucket"))
    assert isinstance(blobs, RemoteBlobs)
    link = await blobs.presign(new_key(), 60)
    assert link is not None
    assert link.startswith("https://s3.us-east-1.amazonaws.com/bucket/")
    assert "X-Amz-Security-Token" not in link


@pytest.mark.parametrize("url", ["ftp://host/x", "http://host/x", "memory:///", "s3://", "no url", "file:///tmp/x"])
def test_a_url_that_is_no_bucket_stops_the_start(url: str) -> None:
    with pytest.raises(SettingInvalid, match="ECHOIC_STORAGE_URL"):
        open_blobs(Settings(storage_url=url))


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnusable, match="file"):
        open_blobs(Settings(data_dir=tmp_path / "file"))
