"""The demo: what it searches for, and how it ends where something is wrong."""

import re
from pathlib import Path

import pytest

from echoic.cli.demo import shipped_recording, telling_word
from tests.cli.conftest import FAKES, run

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["The", "budget,", "is", "a", "budget."], "budget"),
        (["-well-known", '"forty-five"'], "known"),
        (["किताब", "है"], "किताब"),
        (["...", "—"], None),
        ([], None),
    ],
)
def test_the_longest_word_is_searched_for_without_signs(words: list[str], chosen: str | None) -> None:
    assert telling_word(words) == chosen


def test_the_shipped_recording_is_found() -> None:
    assert shipped_recording() == EXAMPLES / "conversation.flac"


@pytest.mark.parametrize("path", ["none.flac", "."])
def test_what_is_no_file_is_told_in_a_sentence(path: str, tmp_path: Path) -> None:
    done = run("demo", str(tmp_path / path))
    assert done.exit_code == 1
    assert done.stderr.startswith("echoic: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.processes
def test_a_server_that_does_not_start_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_TRANSCRIBER", "none-such")
    done = run("demo", str(EXAMPLES / "jfk.flac"))
    assert done.exit_code == 1
    assert done.stderr.startswith("echoic: The server did not start: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.processes
def test_a_text_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in FAKES.items():
        monkeypatch.setenv(name, value)
    text = tmp_path / "talk.mp3"
    text.write_text("no audio", encoding="utf-8")
    done = run("demo", str(text))
    assert done.exit_code == 1
    assert "(not_audio)" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.processes
def test_what_was_said_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FAKES.items():
        monkeypatch.setenv(name, value)
    done = run("demo", str(EXAMPLES / "jfk.flac"))
    assert done.exit_code == 0, done.stderr
    assert re.search(r"^\d+\.\d s: .*\w", done.stdout, re.MULTILINE)
    assert "<mark>" not in done.stdout
