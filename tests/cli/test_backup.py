"""``echoic backup`` where what it is given cannot be meant."""

import stat
from pathlib import Path

import pytest

from echoic.errors import SettingInvalid
from echoic.storage.open import open_place
from tests.cli.conftest import run


@pytest.mark.parametrize("place", ["s3:/bucket/prefix", "gs:/bucket", "az:/container/x"])
def test_a_url_with_one_slash_is_no_folder(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SettingInvalid, match=r"begins like a URL with one slash: a bucket is (s3|gs|az)://bucket/prefix"
    ):
        open_place(place, named="The place of the backup", make=True)
    assert not list(tmp_path.iterdir())
    open_place(f"./{place}", named="The place of the backup", make=True)
    assert [folder.name for folder in tmp_path.iterdir()] == [place.partition("/")[0]]


def test_a_place_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    open_place(str(tmp_path / "new"), named="The place of the backup", make=True)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path / "new", *(tmp_path / "new").iterdir())] == [
        0o700
    ] * 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--list", "--check"), "--list and --check"),
        (("--check", "--deletions"), "--check and --deletions"),
        (("--backup", "20260101T000000Z"), "names the one to --check"),
        (("--list", "--keep", "2"), "is for the making of a backup"),
    ],
)
def test_options_that_leave_each_other_out_are_refused(
    options: tuple[str, ...], told: str, no_access: None, tmp_path: Path
) -> None:
    ended = run("backup", str(tmp_path / "place"), *options)
    assert ended.exit_code == 2
    assert told in ended.stderr
    assert not (tmp_path / "place").exists()
