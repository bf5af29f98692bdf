"""``echoic search``: find what was said, by word and by meaning."""

import html
import re
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.output import LimitOption, OffsetOption, clock, console, print_json, remark

MARK = re.compile("<mark>(.*?)</mark>", re.DOTALL)


def search(
    query: Annotated[str, typer.Argument(help='Words, "phrases", AND, OR, NOT, pre*.')],
    *,
    search_type: Annotated[
        Literal["hybrid", "text", "semantic"], typer.Option("--type", help="By word, by meaning, or by both.")
    ] = "hybrid",
    dataset: Annotated[list[int] | None, typer.Option(help="Only in this dataset; may be repeated.")] = None,
    limit: LimitOption = 10,
    offset: OffsetOption = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search everything you may read."""
    with connected(server) as connection:
        body: dict[str, Any] = {
            "query": query,
            "search_type": search_type,
            "pagination": {"limit": limit, "offset": offset},
        }
        if dataset:
            body["filters"] = {"datasets": dataset}
        answer = connection.read("POST", "/api/search", json=body)
        if as_json:
            print_json(answer)
            return
        for hit in answer["results"]:
            speaker = f"{hit['speaker']}: " if hit["speaker"] else ""
            console.print(
                Text(
                    f"item {hit['item_id']} · {clock(hit['timestamp']['start'])} · {hit['episode']['title']}\n", "dim"
                ),
                Text(f"  {speaker}"),
                marked(hit["highlighted_text"] or html.escape(hit["text"])),
                sep="",
            )
        # Older servers do not tell.
        if search_type != "text" and not answer["meta"].get("compared_all", True):
            remark("Part of the recordings is found by its words alone until it is embedded again.")
        reached, total = offset + len(answer["results"]), answer["meta"]["total"]
        more = f"; go on with --offset {reached}" if answer["results"] and reached < total else ""
        remark(f"{len(answer['results'])} of {total}{more}")


def marked(highlighted: str) -> Text:
    """HTML with <mark> as text for the terminal."""
    text = Text()
    for number, part in enumerate(MARK.split(highlighted)):
        text.append(html.unescape(part), style="bold yellow" if number % 2 else "")
    return text
