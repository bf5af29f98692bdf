"""The helps of the commands, as a terminal shows them."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from echoic.cli import app
from tests.cli.conftest import run


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    if hasattr(command, "list_commands"):
        for verb in command.list_commands(None):
            yield from commands(command.get_command(None, verb), f"{name} {verb}".strip())


def test_no_line_of_a_help_ends_where_the_source_ends_one() -> None:
    helps = dict(commands(typer.main.get_command(app), ""))
    assert {"reindex", "models verify", "restore"} <= helps.keys()
    texts = [
        (name, text)
        for name, each in helps.items()
        for text in (each.help, *(p.help for p in each.params if hasattr(p, "help")))
    ]
    broken = [name for name, text in texts for part in (text or "").split("\n\n") if "\n" in part]
    assert broken == []


def test_the_help_of_a_verb_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    said = run("reindex", "--help").stdout
    assert [line.strip() for line in said.splitlines() if "new index" in line] == [
        "OpenSearch, --all makes a new index there and has searches ask it once it is whole."
    ]
