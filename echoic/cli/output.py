"""The output of the verbs: tables for people, tab-separated lines for other programs, JSON on request."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from echoic.cli.connection import CommandFailed, ExitCode
from echoic.text import clock as text_clock

console = Console(highlight=False, soft_wrap=True)
notes = Console(highlight=False, stderr=True, soft_wrap=True)
"""Progress and remarks: standard output holds the answer alone."""

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
LimitOption = Annotated[int, typer.Option(min=1, max=100)]
"""So many entries of a list; 100 is the largest page of the API."""
OffsetOption = Annotated[int, typer.Option(min=0)]
"""The entries of a list after so many."""


def confirm(question: str, *, yes: bool) -> None:
    """Ask before an act that cannot be undone; the answer no ends the command.

    Raises CommandFailed where nobody can answer.
    """
    if yes:
        return
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort as error:
        if not isinstance(error.__context__, EOFError) or sys.stdin.isatty():
            raise
        typer.echo(err=True)
        raise CommandFailed(ExitCode.REFUSED, "Nobody is there to answer; --yes does it without asking.") from error


def say(text: str) -> None:
    """Print a line of the answer, in the encoding of standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Print a line for people beside the answer, on standard error."""
    notes.print(text, style="dim", markup=False)


def print_json(answer: Any) -> None:
    """Print the server's answer as it came."""
    text = json.dumps(answer, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(answer, indent=2)
    say(text)


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table at a terminal; elsewhere print a line a row, with tabs between the cells and no head."""
    texts = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            say("\t".join(row))
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in texts:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)


def print_facts(facts: Mapping[str, object]) -> None:
    """Print a name and its value a line; leave empty values out."""
    width = max(map(len, facts), default=0) + 2
    for name, value in facts.items():
        if value not in (None, "", []):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            console.print(f"{name:<{width}}{text}", markup=False)


def say_more(page: Mapping[str, Any], shown: int) -> None:
    """Say that a list goes on beyond the page that was printed, and how to see the rest."""
    reached = page["offset"] + shown
    if reached < page["total"]:
        remark(f"{shown} of {page['total']}; go on with --offset {reached}")


def clock(seconds: float | None) -> str:
    """Return a time as 1:02:03; empty where it is not known."""
    return "" if seconds is None else text_clock.clock(seconds)


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())
