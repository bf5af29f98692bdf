import json

import pytest

from echoic.errors import FormatNotAllowed
from echoic.intake.fields import parse_url_request
from echoic.intake.file_names import (
    MAX_FILE_NAME_CHARACTERS,
    UNTITLED,
    base_name,
    check_extension,
    fault_of_name,
    split_extension,
    title_of_file,
)

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
    assert check_extension(name, ALLOWED) == name.rpartition(".")[2].lower()


@pytest.mark.parametrize("name", ["a.exe", "a", "", "mp3", "a.mp3.exe", "a.mp", "a.mp33", "a." + "x" * 300, "a.mp3/b"])
def test_any_other_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(FormatNotAllowed, match="allowed formats: mp3, wav, m4a") as caught:
        check_extension(name, ALLOWED)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Board meeting.mp3", "Board meeting"),
        ("v1.2 talk.mp3", "v1.2 talk"),
        ("talk", "talk"),
        (".mp3", UNTITLED),
        ("  .mp3", UNTITLED),
        ("..wav", UNTITLED),
        (". ..wav", UNTITLED),
        ("..a.wav", "..a"),
        ("", UNTITLED),
        ("line\nbreak\x00.mp3", "linebreak"),
        ("Überblick 会議.mp3", "Überblick 会議"),
        ("x" * 600 + ".mp3", "x" * 500),
        ("Recording at 3.15.10\u202fPM.wav", "Recording at 3.15.10\u202fPM"),
        ("Entretien\u00a0: Paul.wav", "Entretien\u00a0: Paul"),
        ("می\u200cخواهم.wav", "می\u200cخواهم"),
        ("Team \U0001f468\u200d\U0001f469.wav", "Team \U0001f468\u200d\U0001f469"),
        ("two\u2028lines\u0085.wav", "two lines"),
    ],
)
def test_a_title_is_made_from_the_name(name: str, expected: str) -> None:
    assert title_of_file(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "Recording 2024-05-01 at 3.15.10\u202fPM.wav",
        "Entretien\u00a0: Paul.wav",
        "会議\u30002024年.wav",
        "می\u200cخواهم.wav",
        "Team \U0001f468\u200d\U0001f469\u200d\U0001f467.wav",
        "שלום\u200f (2).wav",
        "soft\u00adhyphen \ufeff \ue000.wav",
        "x" * MAX_FILE_NAME_CHARACTERS,
        "",
    ],
)
def test_names_that_people_have_are_taken(name: str) -> None:
    assert fault_of_name(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a\0.wav", "holds the control character U+0000"),
        ("a\t.wav", "holds the control character U+0009"),
        ("a\x7f.wav", "holds the control character U+007F"),
        ("a\x9b31m.wav", "holds the control character U+009B"),
        ("half \ud83d.wav", "holds half of a surrogate pair, which is no character"),
        ("caf\udce9.wav", "holds half of a surrogate pair, which is no character"),
        ("x" * 1001, "has 1,001 characters; at most 1,000 are taken"),
    ],
)
def test_control_characters_and_what_is_no_character_are_named(name: str, fault: str) -> None:
    assert fault_of_name(name) == fault


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/recording.mp3", "recording.mp3"),
        ("/talks/Q3%20interview%20%E2%80%94%20ACME.mp3?signature=a%2Fb.wav", "Q3 interview — ACME.mp3"),
        ("/a/b/v1.2%20talk.flac#t=5", "v1.2 talk.flac"),
        ("/%E4%BC%9A%E8%AD%B0.wav", "会議.wav"),
        ("/folder/", UNTITLED),
        ("/folder/...", UNTITLED),
        ("", UNTITLED),
    ],
)
def test_what_a_url_brings_is_called_by_the_last_segment_of_its_path_unless_said(path: str, title: str) -> None:
    asked: dict[str, str] = {"audio_url": f"https://files.example.com{path}"}
    assert parse_url_request(json.dumps(asked).encode()).metadata.default_title == title
    named = parse_url_request(json.dumps(asked | {"title": "Said"}).encode()).metadata
    assert named.title == "Said"
