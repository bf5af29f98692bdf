"""What the server says when it starts."""

import sys
from pathlib import Path

import pytest

from echoic.cli.greeting import greet
from echoic.settings import Settings

KEY = "ek_first"
LINK = "http://127.0.0.1:8080/sign-in#token=et_once"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_key_is_shown_on_a_terminal_and_nowhere_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_terminal: bool
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    greet("127.0.0.1", 8080, key=KEY, sign_in_link=LINK, settings=settings)
    said = capsys.readouterr().out
    assert (KEY in said) == is_terminal
    assert (LINK in said) == is_terminal
    assert str(tmp_path / "api-key") in said
    assert "http://127.0.0.1:8080" in said
    greet("127.0.0.1", 8080, key=None, sign_in_link=None, settings=settings)
    assert "key" not in capsys.readouterr().out
