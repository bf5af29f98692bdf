import pytest

from echoic.errors import FormatNotAllowed
from echoic.intake.file_names import UNTITLED, base_name, default_title, judge_extension, split_extension

ALLOWED = ("mp3", "WAV", ".m4a")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("talk.mp3", "talk.mp3"),
        ("C:\\fakepath\\talk.mp3", "talk.mp3"),
        ("\\\\server\\share\\talk.mp3", "talk.mp3"),
        ("/home/me/talk.mp3", "talk.mp3"),
        ("../../etc/passwd", "passwd"),
        ("mixed\\up/talk.mp3", "talk.mp3"),
        ("folder/", ""),
        ("", ""),
        ("..", ".."),
        (" talk.mp3 ", "talk.mp3"),
    ],
)
def test_a_file_name_has_no_folders(name: str, expected: str) -> None:
    assert base_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("talk.mp3", ("talk", "mp3")),
        ("talk.tar.MP3", ("talk.tar", "mp3")),
        ("talk", ("talk", "")),
        ("talk.", ("talk", "")),
        (".mp3", ("", "mp3")),
        ("", ("", "")),
        ("talk.mp3 ", ("talk", "mp3")),
        ("a b.c d", ("a b", "c d")),
    ],
)
def test_the_extension_is_what_follows_the_last_dot(name: str, expected: tuple[str, str]) -> None:
    assert split_extension(name) == expected


@pytest.mark.parametrize("name", ["a.mp3", "a.MP3", "a.b.wav", "A.M4A", ".mp3"])
def test_an_extension_in_the_list_passes_in_any_case(name: str) -> None:
    assert judge_extension(name, ALLOWED) == name.rpartition(".")[2].lower()


@pytest.mark.parametrize("name", ["a.exe", "a", "", "mp3", "a.mp3.exe", "a.mp", "a.mp33", "a." + "x" * 300, "a.mp3/b"])
def test_any_other_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(FormatNotAllowed, match="allowed formats: mp3, wav, m4a") as caught:
        judge_extension(name, ALLOWED)
    assert len(caught.value.message) < 150


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Board meeting.mp3", "Board meeting"),
        ("v1.2 talk.mp3", "v1.2 talk"),
        ("talk", "talk"),
        (".mp3", UNTITLED),
        ("  .mp3", UNTITLED),
        ("", UNTITLED),
        ("line\nbreak\x00.mp3", "linebreak"),
        ("Überblick 会議.mp3", "Überblick 会議"),
        ("x" * 600 + ".mp3", "x" * 500),
    ],
)
def test_a_title_is_made_from_the_name(name: str, expected: str) -> None:
    assert default_title(name) == expected
