"""What an upload is pointed at."""

import os
from pathlib import Path

import pytest

from echoic.cli.connection import CommandFailed
from echoic.cli.names import shown
from echoic.cli.targets import find_targets
from echoic.intake.file_names import fault_of_name

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
    names = [str(target) for target in find_targets(["."], FORMATS).found]
    assert names == ["a.WAV", "b.mp3", "talks/c.mp3", "talks/deep/d.wav"]
    (shelf / "empty").mkdir()
    with pytest.raises(CommandFailed, match="nothing to upload at empty; allowed formats: mp3, wav"):
        find_targets(["empty"], FORMATS)


def test_patterns_reach_into_folders_and_from_the_root(shelf: Path) -> None:
    assert find_targets(["talks/**/*.wav"], FORMATS).found == [Path("talks/deep/d.wav")]
    assert find_targets([f"{shelf}/*.mp3"], FORMATS).found == [shelf / "b.mp3"]
    with pytest.raises(CommandFailed, match=r"nothing to upload at \*.flac"):
        find_targets(["*.flac"], FORMATS)


@pytest.mark.usefixtures("shelf")
def test_what_is_named_itself_is_uploaded_once_whatever_its_extension() -> None:
    url = "https://files.example.com/talk.mp3"
    found = find_targets(["notes.txt", "b.mp3", "*.mp3", url, url], FORMATS).found
    assert found == [Path("notes.txt"), Path("b.mp3"), url]


def test_a_file_with_signs_of_a_pattern_in_its_name_is_a_file(shelf: Path) -> None:
    odd = shelf / "take [1].mp3"
    odd.touch()
    assert find_targets([str(odd)], FORMATS).found == [odd]


@pytest.mark.usefixtures("shelf")
def test_what_is_not_there_is_named() -> None:
    with pytest.raises(CommandFailed, match=r"There is no file gone\.mp3"):
        find_targets(["gone.mp3"], FORMATS)


def test_what_is_not_there_keeps_nothing_else_from_being_found(shelf: Path) -> None:
    os.mkfifo(shelf / "live.wav")
    (shelf / "bare").mkdir()
    found = find_targets(["gone.mp3", "b.mp3", "", "live.wav", "bare", "*.nothing", "b.mp3"], FORMATS)
    assert found.found == [Path("b.mp3")]
    assert {name: str(error).split(";")[0] for name, error in found.refused.items()} == {
        "gone.mp3": "There is no file gone.mp3.",
        "": "One of the names is empty",
        "live.wav": "live.wav is a pipe or a device",
        "bare": "There is nothing to upload at bare",
        "*.nothing": "There is nothing to upload at *.nothing",
    }


def test_an_empty_name_does_not_stand_for_the_present_folder(shelf: Path) -> None:
    with pytest.raises(CommandFailed, match="One of the names is empty"):
        find_targets([""], FORMATS)
    beside = find_targets(["b.mp3", ""], FORMATS)
    assert (beside.found, list(beside.refused)) == ([Path("b.mp3")], [""])
    assert len(find_targets([str(shelf)], FORMATS).found) == 4


def test_a_pipe_or_a_device_is_refused_and_not_waited_for(shelf: Path) -> None:
    os.mkfifo(shelf / "live.wav")
    for named in ("live.wav", os.devnull):
        with pytest.raises(CommandFailed, match=f"{named} is a pipe or a device; give a file"):
            find_targets([named], FORMATS)


def test_what_systems_leave_in_folders_is_passed_over_and_said(shelf: Path) -> None:
    card = shelf / "card"
    for name in (
        "talk.wav",
        "._talk.wav",
        ".Trashes/old.wav",
        "$RECYCLE.BIN/S-1/gone.wav",
        "__MACOSX/talk.wav",
        "x.txt",
    ):
        (card / name).parent.mkdir(parents=True, exist_ok=True)
        (card / name).touch()
    targets = find_targets(["card"], FORMATS)
    assert targets.found == [Path("card/talk.wav")]
    assert list(targets.remarks()) == [
        "4 hidden or system entries passed over; name one to upload it",
        "1 file of other formats passed over",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information", "FOUND.000", "found.017"),
        *("__MACOSX", "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder", "lost+found"),
        *("@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot"),
    ],
)
def test_each_system_has_its_folders_passed_over(shelf: Path, name: str) -> None:
    for path in (shelf / "card" / name / "gone.wav", shelf / "card" / f"{name}s" / "talk.wav"):
        path.parent.mkdir(parents=True)
        path.touch()
    assert find_targets(["card"], FORMATS).found == [Path("card") / f"{name}s" / "talk.wav"]
    assert find_targets(["card/**/*.wav"], FORMATS).found == [Path("card") / f"{name}s" / "talk.wav"]
    assert find_targets([f"card/{name}"], FORMATS).found == [Path("card") / name / "gone.wav"]


def test_a_pattern_passes_over_folders_of_systems_that_it_does_not_name(shelf: Path) -> None:
    gone = ["$RECYCLE.BIN/S-1/gone.wav", "$RECYCLE.BIN/S-2/gone.wav", "@eaDir/talk.wav/thumb.wav", "__MACOSX/talk.wav"]
    for name in ("talk.wav", "sub/talk.wav", *gone):
        path = shelf / "card" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    targets = find_targets(["card/**/*.wav"], FORMATS)
    assert targets.found == [Path("card/sub/talk.wav"), Path("card/talk.wav")]
    assert list(targets.remarks()) == ["3 hidden or system entries passed over; name one to upload it"]
    assert find_targets(["card/*/*.wav"], FORMATS).found == [Path("card/sub/talk.wav")]
    named = find_targets(["card/$RECYCLE.BIN/*/*.wav"], FORMATS)
    assert named.found == [Path("card") / name for name in gone[:2]]
    assert list(named.remarks()) == []
    with pytest.raises(CommandFailed, match=r"nothing to upload at card/\*/S-1/\*\.wav; .* 1 hidden or system entry"):
        find_targets(["card/*/S-1/*.wav"], FORMATS)


def test_linked_folders_are_passed_over_and_said_linked_files_are_taken(shelf: Path) -> None:
    card = shelf / "card"
    card.mkdir()
    (card / "up").symlink_to(shelf)
    (card / "linked.wav").symlink_to(shelf / "a.WAV")
    (card / "gone.wav").symlink_to(shelf / "nowhere.wav")
    targets = find_targets(["card"], FORMATS)
    assert targets.found == [Path("card/linked.wav")]
    assert list(targets.remarks()) == [
        "1 linked folder passed over; name one to upload what is in it",
        "1 link to nothing passed over",
    ]
    assert find_targets(["card/up/talks"], FORMATS).found == [
        Path("card/up/talks/c.mp3"),
        Path("card/up/talks/deep/d.wav"),
    ]


@pytest.mark.parametrize("name", ["card", "card/*", "card/**"])
def test_links_to_nothing_and_pipes_are_passed_over_and_said(shelf: Path, name: str) -> None:
    card = shelf / "card"
    card.mkdir()
    (card / "ok.wav").touch()
    for dead in ("dead.wav", "gone.wav"):
        (card / dead).symlink_to(shelf / "nowhere.wav")
    os.mkfifo(card / "pipe.wav")
    targets = find_targets([name], FORMATS)
    assert targets.found == [Path("card/ok.wav")]
    assert list(targets.remarks()) == ["2 links to nothing passed over", "1 pipe or device passed over"]


def test_a_folder_of_pipes_alone_says_what_was_passed_over(shelf: Path) -> None:
    (shelf / "card").mkdir()
    os.mkfifo(shelf / "card" / "pipe.wav")
    with pytest.raises(CommandFailed, match=r"nothing to upload at card; .* 1 pipe or device passed over"):
        find_targets(["card"], FORMATS)


def test_a_pattern_for_any_depth_does_not_follow_links_round_and_round(shelf: Path) -> None:
    card = shelf / "card"
    (card / "deep").mkdir(parents=True)
    for name in ("a.wav", "deep/b.wav"):
        (card / name).touch()
    for name in ("loop", "again", "deep/back"):
        (card / name).symlink_to(card)
    both = [Path("card/a.wav"), Path("card/deep/b.wav")]
    for pattern in ("card/**/*.wav", f"{shelf}/card/**", "card/**/**/*.wav"):
        assert [shelf / path for path in find_targets([pattern], FORMATS).found] == [shelf / path for path in both]
    assert find_targets(["card/**.wav"], FORMATS).found == both[:1]
    assert find_targets(["card/loop/*.wav"], FORMATS).found == [Path("card/loop/a.wav")]
    assert find_targets([f"../{shelf.name}/card/*/b.wav"], FORMATS).found == [Path(f"../{shelf.name}/card/deep/b.wav")]


def test_what_is_hidden_is_taken_where_it_is_named(shelf: Path) -> None:
    kept = shelf / ".kept"
    (kept / ".deep").mkdir(parents=True)
    for name in ("a.wav", ".b.wav", ".deep/c.wav"):
        (kept / name).touch()
    assert find_targets([".kept"], FORMATS).found == [Path(".kept/a.wav")]
    assert find_targets([".kept/.b.wav"], FORMATS).found == [Path(".kept/.b.wav")]
    assert find_targets([".kept/.*.wav"], FORMATS).found == [Path(".kept/.b.wav")]


def test_a_folder_of_hidden_things_alone_says_what_was_passed_over(shelf: Path) -> None:
    (shelf / "card").mkdir()
    (shelf / "card" / "._talk.wav").touch()
    with pytest.raises(CommandFailed, match=r"nothing to upload at card; .* 1 hidden or system entry passed over"):
        find_targets(["card"], FORMATS)


def test_names_that_are_no_text_are_found_and_named_readably(shelf: Path) -> None:
    raw = os.fsencode(shelf) + b"/old/caf\xe9.wav"
    Path(os.fsdecode(raw)).parent.mkdir()
    Path(os.fsdecode(raw)).touch()
    (found,) = find_targets(["old"], FORMATS).found
    assert os.fsencode(found) == b"old/caf\xe9.wav"
    assert shown(found) == "old/café.wav"
    with pytest.raises(CommandFailed, match=r"There is no file na\xefve\.wav\."):
        find_targets([os.fsdecode(b"na\xefve.wav")], FORMATS)


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        (b"talk.wav", "talk.wav"),
        ("会議\u30002024年.wav".encode(), "会議\u30002024年.wav"),
        (b"\x80uro \x93so\x94.wav", "€uro “so”.wav"),
        ("Über".encode() + b"\xe9.wav", "Überé.wav"),
        (b"\x81\xed\xa0\xbd.wav", "\ufffdí\xa0½.wav"),
        (b"line\nbreak\x1b[31m.wav", "line break [31m.wav"),
    ],
)
def test_any_name_of_a_file_system_is_shown_in_characters_that_everything_takes(raw: bytes, readable: str) -> None:
    assert shown(os.fsdecode(raw)) == readable
    assert fault_of_name(shown(os.fsdecode(raw))) is None
