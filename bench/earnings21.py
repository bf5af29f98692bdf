"""Reads calls of Earnings-21 (Rev, CC BY-SA 4.0) as labelled texts: measures names in real talk that nobody here wrote.

The corpus is read from a folder of yours and is no part of the project. A call is ``ID.nlp``, a token a line with the
punctuation after it and the ids of its labels, and ``ID.wer_tag.json``, the type of each id. Its types become ours by
``TYPES``; others, such as dates, sums and works, are no mentions.
"""

import ast
import csv
import json
from collections.abc import Iterator
from pathlib import Path

from echoic.records import EntityType, Span

TYPES: dict[str, EntityType] = {
    "PERSON": "person",
    "ORG": "organization",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "PRODUCT": "product",
}


def calls(folder: Path) -> list[Path]:
    """The token files of a folder in order. Ends the program where there is none."""
    found = sorted(folder.glob("*.nlp"))
    if not found:
        raise SystemExit(f"There is no call (a file *.nlp) of Earnings-21 in '{folder}'.")
    return found


def read_call(path: Path) -> tuple[str, tuple[Span, ...]]:
    """The text of a call, and its mentions with their places in it. Punctuation after a mention is no part of it."""
    types = json.loads(path.with_suffix(".wer_tag.json").read_text(encoding="utf-8"))
    text = ""
    places: dict[str, list[tuple[int, int]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE):
            start = len(text)
            text += row["token"]
            for label in ast.literal_eval(row["wer_tags"]):
                places.setdefault(label, []).append((start, len(text)))
            text += row["punctuation"] + " "
    return text.rstrip(), tuple(sorted(_mentions(text, places, types), key=lambda span: span.start))


def _mentions(text: str, places: dict[str, list[tuple[int, int]]], types: dict[str, dict[str, str]]) -> Iterator[Span]:
    for label, words in places.items():
        kind = TYPES.get(types[label]["entity_type"]) if label in types else None
        if kind is not None:
            start, end = words[0][0], words[-1][1]
            yield Span(start=start, end=end, text=text[start:end], type=kind)
