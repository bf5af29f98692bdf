"""What the server says when it starts."""

import sys
from pathlib import Path

import pytest

from echoic.cli.greeting import greet
from echoic.settings import Settings

KEY = "ek_first"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_key_is_shown_on_a_terminal_and_nowhere_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_terminal: bool
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    greet("127.0.0.1", 8080, key=KEY, settings=settings)
    said = capsys.readouterr().out
    assert (KEY in said) == is_terminal
    assert str(tmp_path / "api-key") in said
    assert "http://127.0.0.1:8080" in said
    greet("127.0.0.1", 8080, key=None, settings=settings)
    assert "key" not in capsys.readouterr().out
