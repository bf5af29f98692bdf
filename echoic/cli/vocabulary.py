"""``echoic vocabulary``: names and terms that a dataset learns from corrections."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from echoic.cli.connection import Answer, Connection, JsonOption, ServerOption, connected
from echoic.cli.datasets import OwnDataset, own_dataset
from echoic.cli.output import YesOption, confirm, print_json, print_rows, remark
from echoic.wording import counted

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Names and terms learned from corrections.")

Term = Annotated[str, typer.Argument(help="The term, as 'suggestions' shows it.", metavar="TERM")]
ITEMS_AT_ONCE = 100
SIGN_OF_DOUBT = "?"


@app.command()
def suggestions(
    dataset: OwnDataset = None,
    min_times: Annotated[int, typer.Option(min=1, help="Only what was corrected so often.")] = 2,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List terms that people wrote where something else was heard; '?' marks what should not be replaced everywhere."""
    with connected(server) as connection:
        number = dataset or own_dataset(connection)
        terms = _suggested(connection, number, min_times=min_times)
        if as_json:
            print_json(terms)
            return
        print_rows(
            ("term", "times", "recordings", "heard as"),
            [(each["term"], each["times"], each["items"], ", ".join(map(_heard, each["heard_as"]))) for each in terms],
        )


@app.command()
def accept(
    term: Term,
    *,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            help="A text that becomes the term in new transcripts; may be repeated; default: those without '?'."
        ),
    ] = None,
    no_replace: Annotated[bool, typer.Option("--no-replace", help="Only into the vocabulary.")] = False,
    old: Annotated[
        bool, typer.Option("--old", help="Replace in older transcripts, too; shows first what changes.")
    ] = False,
    dataset: OwnDataset = None,
    yes: YesOption = False,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a term into the vocabulary of a dataset, and replace what is heard for it."""
    if replace and no_replace:
        raise typer.BadParameter("--replace and --no-replace exclude each other")
    with connected(server) as connection:
        number = dataset or own_dataset(connection)
        texts = [] if no_replace else replace or _safe(connection, number, term)
        changed = connection.read(
            "POST", f"/api/datasets/{number}/vocabulary/accept", json={"term": term, "replace": texts}
        )
        if as_json:
            print_json(changed)
        remark(f"'{term}' is in the vocabulary; replaced in new transcripts: {', '.join(texts) or 'nothing'}")
        if old:
            _replace_in_old(connection, number, term, texts, yes=yes)


@app.command()
def dismiss(term: Term, dataset: OwnDataset = None, server: ServerOption = None) -> None:
    """Do not suggest a term again."""
    with connected(server) as connection:
        number = dataset or own_dataset(connection)
        connection.ask("POST", f"/api/datasets/{number}/vocabulary/dismiss", json={"term": term})
        remark(f"'{term}' is not suggested again")


def _suggested(connection: Connection, number: int, *, min_times: int) -> list[Answer]:
    path = f"/api/datasets/{number}/vocabulary/suggestions"
    terms: list[Answer] = connection.get(path, min_times=min_times)["terms"]
    return terms


def _heard(heard: Answer) -> str:
    mark = "" if heard["is_safe"] else SIGN_OF_DOUBT
    return f"{heard['text']}{mark} ({heard['times']})"


def _safe(connection: Connection, number: int, term: str) -> list[str]:
    return [
        heard["text"]
        for each in _suggested(connection, number, min_times=1)
        if each["term"] == term
        for heard in each["heard_as"]
        if heard["is_safe"]
    ]


def _replace_in_old(connection: Connection, number: int, term: str, texts: list[str], *, yes: bool) -> None:
    """Show what would be replaced in the dataset's transcripts, ask, and replace it in exactly these recordings."""
    for text in texts:
        wanted = {"find": text, "replace": term, "match_case": True, "whole_words": True}
        found = list(_replaced(connection, number, wanted | {"preview": True}))
        if not found:
            remark(f"no transcript says '{text}'")
            continue
        for each in found:
            for line in each["lines"]:
                remark(f"{each['item_id']}: {line['before']}\n  → {line['after']}")
        count = sum(each["replacements"] for each in found)
        confirm(
            f"Replace '{text}' by '{term}' {counted(count, 'time')} in {counted(len(found), 'recording')}?", yes=yes
        )
        ids = [each["item_id"] for each in found]
        for first in range(0, len(ids), ITEMS_AT_ONCE):
            for _ in _replaced(connection, number, wanted | {"items": ids[first : first + ITEMS_AT_ONCE]}):
                pass


def _replaced(connection: Connection, number: int, wanted: dict[str, Any]) -> Iterator[Answer]:
    """Yield the items in which the text was found, page after page."""
    after = 0
    while after is not None:
        body = wanted | {"after": after, "limit": ITEMS_AT_ONCE}
        page = connection.read("POST", f"/api/datasets/{number}/replace", json=body)
        yield from page["items"]
        after = page["next_after"]
