"""``echoic replace``: find a text in a transcript and put another in its place."""

from typing import Annotated, Any

import typer

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.edited import AtVersionOption, expected, print_edited
from echoic.cli.output import notes, print_json, print_rows
from echoic.cli.segments import ItemId
from echoic.text.replacements import Replacement, replaced_in_texts
from echoic.wording import counted


def replace(
    item_id: ItemId,
    find: Annotated[str, typer.Argument(help="The text; a blank in it is any white space.", metavar="FIND")],
    replacement: Annotated[str, typer.Argument(help="What is to stand there instead.", metavar="REPLACE")],
    *,
    match_case: Annotated[bool, typer.Option("--match-case", help="Only as it is written here.")] = False,
    whole_words: Annotated[bool, typer.Option("--whole-words", help="Not within longer words.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, and show what would be.")] = False,
    at_version: AtVersionOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace a text wherever a transcript says it, as one version."""
    if not find:
        raise typer.BadParameter("the text to find is empty")
    wanted = Replacement(find=find, replace=replacement, match_case=match_case, whole_words=whole_words)
    path = f"/api/items/{item_id}/transcript"
    with connected(server) as connection:
        if dry_run:
            _show(connection.get(path), wanted, as_json=as_json)
            return
        body: dict[str, Any] = {
            "find": find,
            "replace": replacement,
            "match_case": match_case,
            "whole_words": whole_words,
        }
        answer = connection.read("POST", f"{path}/replace", json=body | expected(at_version))
        print_edited(answer, as_json=as_json)


def _show(transcript: dict[str, Any], wanted: Replacement, *, as_json: bool) -> None:
    """Return the replacements that the server would make, by the same rule."""
    texts: dict[int, str] = {each["id"]: each["text"] for each in transcript["segments"]}
    found = replaced_in_texts(texts, wanted)
    after = {place: " ".join(text.split()) for place, text in found.texts.items()}
    if as_json:
        changes = [{"id": place, "text_before": texts[place], "text_after": text} for place, text in after.items()]
        print_json({"version": transcript["version"], "replacements": found.replacements, "changes": changes})
        return
    print_rows(("segment", "before", "after"), [(place, texts[place], text) for place, text in after.items()])
    notes.print(f"{counted(found.replacements, 'replacement')}; nothing is changed yet", style="dim")
