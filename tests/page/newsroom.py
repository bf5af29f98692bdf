"""A library of its own with recordings in which two voices say names, for the tests of search, people and entities."""

import wave
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from tests.page.conftest import published

LIBRARY, NAME = "press", "Press"
RATE, TURN_SECONDS = 8000, 8
VOICES_HERTZ = (110.0, 220.0)


@dataclass(frozen=True)
class Newsroom:
    slug: str
    dataset_id: int
    items: tuple[int, ...]
    """The oldest first; what is said in them differs."""

    @property
    def people(self) -> str:
        return f"/api/libraries/{self.slug}/speakers"


def newsroom(client: httpx.Client, folder: Path, *, recordings: int = 2, seconds: int = 96) -> Newsroom:
    """Make the library and have the recordings transcribed."""
    client.post("/api/libraries", json={"slug": LIBRARY, "name": NAME}).raise_for_status()
    dataset = client.post("/api/datasets", json={"name": "Interviews", "library": LIBRARY}).json()
    items = [
        published(client, _talk(folder / f"talk-{number}.wav", seconds, number), dataset_id=dataset["id"])
        for number in range(recordings)
    ]
    return Newsroom(slug=LIBRARY, dataset_id=dataset["id"], items=tuple(items))


def _talk(path: Path, seconds: int, seed: int) -> Path:
    """Two tones that take turns, each second as loud as no other: the fake transcriber hears a word of its own in each."""
    levels = np.random.default_rng(seed).uniform(3000, 12000, seconds)
    time = np.arange(RATE) / RATE
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for second, level in enumerate(levels):
            hertz = VOICES_HERTZ[second // TURN_SECONDS % len(VOICES_HERTZ)]
            file.writeframes((level * np.sin(2 * np.pi * hertz * time)).astype("<i2").tobytes())
    return path
