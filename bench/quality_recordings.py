"""The recordings of ``bench/quality.py``: the development recordings beside the checkout, and what is built from them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.built import Clip, build
from bench.local_file import as_audio, decoded_samples
from echoic.records import Audio
from echoic.settings import Settings

ENGLISH = "en"
KINDS = ("long", "clips", "conversations", "built", "languages", "formats")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording whose words are known."""

    kind: str
    """The folder that it comes from, or ``built-`` and the kind of what was built."""
    name: str
    audio: Audio
    reference: str
    language: str = ENGLISH
    is_told: bool = True
    """Whether the transcriber is told the language."""


def recordings(folder: Path, kinds: set[str], settings: Settings) -> Iterator[Recording]:
    """Yield the recordings of these kinds, decoded; of all kinds if none is given."""
    wanted = kinds or set(KINDS)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        path = folder / entry["file"]
        reference = _reference(folder, entry)
        if reference and path.parent.name in wanted:
            yield Recording(kind=path.parent.name, name=path.name, audio=_decoded(path, settings), reference=reference)
    if "built" in wanted:
        clips = [
            Clip(audio=_decoded(folder / entry["file"], settings), text=entry["text"])
            for entry in manifest["files"]
            if entry["kind"] == "clip"
        ]
        for built in build(clips):
            yield Recording(
                kind=f"built-{built.kind}", name=f"{built.kind} {built.seed}", audio=built.audio, reference=built.text
            )
    if "languages" in wanted:
        yield from _of_languages(folder / "languages", settings)


def _of_languages(folder: Path, settings: Settings) -> Iterator[Recording]:
    for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]:
        if entry.get("text"):
            yield Recording(
                kind="languages",
                name=entry["file"],
                audio=_decoded(folder / entry["file"], settings),
                reference=entry["text"],
                language=entry["language"],
                is_told=False,
            )


def _decoded(path: Path, settings: Settings) -> Audio:
    return as_audio(decoded_samples(path, settings))


def _reference(folder: Path, entry: dict[str, Any]) -> str:
    """The true text: in the manifest for clips, in a file of turns for what was joined from clips."""
    if entry.get("text"):
        return str(entry["text"])
    if "reference" not in entry:
        return ""
    turns = json.loads((folder / entry["reference"]).read_text(encoding="utf-8"))["segments"]
    return " ".join(turn["text"] for turn in turns)
