"""The recordings of ``bench/diarize.py``: those beside the checkout whose turns are known, and meetings built of voices."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.local_file import as_audio, decoded_samples
from bench.meetings import meetings, voice_files
from echoic.records import SpeakerTurn
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

SHORT = "short"
GROUPS = ("conversations", "ami", SHORT)
FULL_SCALE = 32_768
MEETING_VOICES = 40
"""People of whom the meetings are made."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording of which it is known who speaks when."""

    path: Path
    """Of what was built, its name."""
    group: str
    """One of ``GROUPS``."""
    duration_seconds: float
    turns: tuple[SpeakerTurn, ...]
    spoken: tuple[tuple[str, str], ...]
    """Speaker and text of each turn, where the words are known."""
    built: NDArray[np.int16] | None = None
    """The samples of what was built."""

    def samples(self, settings: Settings) -> NDArray[np.int16]:
        """Return the samples as the decode stage stores them."""
        return decoded_samples(self.path, settings) if self.built is None else self.built

    @property
    def speakers(self) -> set[str]:
        return {turn.speaker for turn in self.turns}


def recordings(folder: Path, groups: set[str], settings: Settings) -> Iterator[Recording]:
    """Yield the recordings of these groups; of all groups if none is given."""
    wanted = groups or set(GROUPS)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        group = {"conversation": "conversations", "meeting excerpt": "ami"}.get(entry["kind"])
        if group in wanted:
            yield Recording(
                path=folder / entry["file"],
                group=group,
                duration_seconds=entry["duration"],
                turns=tuple(turns_of_rttm((folder / entry["rttm"]).read_text(encoding="utf-8"))),
                spoken=_spoken(folder, entry),
            )
    if SHORT in wanted:
        yield from _short(folder / "voices", settings)


def _short(folder: Path, settings: Settings) -> Iterator[Recording]:
    files = list(voice_files(folder).items())[:MEETING_VOICES]
    voices = {name: as_audio(decoded_samples(path, settings)) for name, path in files}
    for meeting in meetings(voices):
        yield Recording(
            path=Path(SHORT) / meeting.name,
            group=SHORT,
            duration_seconds=len(meeting.audio) / SAMPLE_RATE,
            turns=meeting.turns,
            spoken=(),
            built=np.rint(meeting.audio * (FULL_SCALE - 1)).astype(np.int16),
        )


def turns_of_rttm(text: str) -> Iterator[SpeakerTurn]:
    """Yield the turns of an RTTM file."""
    for line in text.splitlines():
        fields = line.split()
        if fields and fields[0] == "SPEAKER":
            start = float(fields[3])
            yield SpeakerTurn(start=start, end=start + float(fields[4]), speaker=fields[7])


def _spoken(folder: Path, entry: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    if "reference" not in entry:
        return ()
    segments = json.loads((folder / entry["reference"]).read_text(encoding="utf-8"))["segments"]
    return tuple((segment["speaker"], segment["text"]) for segment in segments)
