"""What the verbs print: tables for people, tab-separated lines for other programs, JSON where it is asked for."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)
notes = Console(highlight=False, stderr=True, soft_wrap=True)
"""Progress and remarks: standard output holds the answer alone."""


def print_json(answer: Any) -> None:
    """The server's answer as it came."""
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table at a terminal; elsewhere a line a row, cells between tabs, without a head."""
    texts = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            typer.echo("\t".join(row))
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in texts:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)


def clock(seconds: float | None) -> str:
    """A time as 1:02:03; empty where it is not known."""
    if seconds is None:
        return ""
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())
