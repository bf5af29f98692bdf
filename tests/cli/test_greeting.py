"""What the server says when it starts."""

import io
import json
import sys
from pathlib import Path

import pytest

from echoic.cli.greeting import greet, warn_of_strangers
from echoic.logs import configure_logging
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


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("127.0.0.1", None),
        ("127.8.0.1", None),
        ("::1", None),
        ("0.0.0.0", "every address of this machine"),  # noqa: S104 - what is warned of
        ("::", "every address of this machine"),
        ("192.168.1.20", "the address 192.168.1.20"),
        ("203.0.113.9", "the address 203.0.113.9"),
        ("fe80::1%eth0", "the address fe80::1"),
    ],
)
def test_where_strangers_can_reach_it_a_warning_says_what_to_do(host: str, named: str | None) -> None:
    lines = io.StringIO()
    configure_logging(Settings(_env_file=None, log_format="json"), lines)
    warn_of_strangers(host)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(told) == (named is not None)
    for line in told:
        assert (line["level"], line["event"]) == ("warning", "open_to_the_network")
        assert named in line["why"]
        assert "ECHOIC_HOST=127.0.0.1" in line["advice"]
        assert "docs/deploy.md" in line["advice"]
