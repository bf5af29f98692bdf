"""What an upload is pointed at."""

from pathlib import Path

import pytest

from echoic.cli.connection import CommandFailed
from echoic.cli.targets import find_targets

FORMATS = ["mp3", "wav"]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.mp3", "a.WAV", "notes.txt", "talks/c.mp3", "talks/deep/d.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_stands_for_the_recordings_in_it_at_any_depth(shelf: Path) -> None:
    names = [str(target) for target in find_targets(["."], FORMATS)]
    assert names == ["a.WAV", "b.mp3", "talks/c.mp3", "talks/deep/d.wav"]
    (shelf / "empty").mkdir()
    with pytest.raises(CommandFailed, match="nothing to upload at empty; allowed formats: mp3, wav"):
        find_targets(["empty"], FORMATS)


def test_patterns_reach_into_folders_and_from_the_root(shelf: Path) -> None:
    assert find_targets(["talks/**/*.wav"], FORMATS) == [Path("talks/deep/d.wav")]
    assert find_targets([f"{shelf}/*.mp3"], FORMATS) == [shelf / "b.mp3"]
    with pytest.raises(CommandFailed, match=r"nothing to upload at \*.flac"):
        find_targets(["*.flac"], FORMATS)


@pytest.mark.usefixtures("shelf")
def test_what_is_named_itself_is_uploaded_once_whatever_its_extension() -> None:
    url = "https://files.example.com/talk.mp3"
    assert find_targets(["notes.txt", "b.mp3", "*.mp3", url, url], FORMATS) == [Path("notes.txt"), Path("b.mp3"), url]


def test_a_file_with_signs_of_a_pattern_in_its_name_is_a_file(shelf: Path) -> None:
    odd = shelf / "take [1].mp3"
    odd.touch()
    assert find_targets([str(odd)], FORMATS) == [odd]


@pytest.mark.usefixtures("shelf")
def test_what_is_not_there_is_named() -> None:
    with pytest.raises(CommandFailed, match=r"There is no file gone\.mp3"):
        find_targets(["b.mp3", "gone.mp3"], FORMATS)
