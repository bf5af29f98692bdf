"""``echoic search``: find what was said, by word and by meaning."""

import html
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from echoic.cli.connection import Answer, CommandFailed, Connection, JsonOption, ServerOption, connected
from echoic.cli.output import LimitOption, OffsetOption, clock, console, print_json, remark
from echoic.search.ranking import MAX_NEAREST

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
        if _is_by_meaning_alone(connection, body, answer):
            remark("No place has these words; what follows is near in meaning only.")
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


def _is_by_meaning_alone(connection: Connection, body: Mapping[str, Any], answer: Answer) -> bool:
    """Return whether a search by both found nothing by its words, which a search by words alone tells.

    The marks in the results do not: a common word is marked where a place was found by meaning, and a query of exclusions
    alone marks nothing. What is found by its words stands first, so later pages say nothing about it.
    """
    meta = answer["meta"]
    if meta["search_type"] != "hybrid" or body["search_type"] != "hybrid" or body["pagination"]["offset"]:
        return False
    if not answer["results"] or meta["total"] > MAX_NEAREST:
        return False
    by_words = {**body, "search_type": "text", "pagination": {"limit": 1, "offset": 0}}
    try:
        return bool(connection.read("POST", "/api/search", json=by_words)["meta"]["total"] == 0)
    except CommandFailed:
        return False  # the results are there, and worth more than the remark


def marked(highlighted: str) -> Text:
    """HTML with <mark> as text for the terminal."""
    text = Text()
    for number, part in enumerate(MARK.split(highlighted)):
        text.append(html.unescape(part), style="bold yellow" if number % 2 else "")
    return text
