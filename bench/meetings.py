"""Short meetings made of single voices, by seed: people who speak over each other in a room with noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.built import FULL, room
from echoic.records import Audio, SpeakerTurn
from echoic.units import SAMPLE_RATE

SEEDS = (3, 17, 41, 67)
PEOPLE = (1, 2, 3, 4, 5)
MIN_VOICE_SECONDS = 9.0
"""Voices with less say the same again too soon."""
SHARE_OF_OVERLAP = (0.1, 0.3, 0.5)
"""Of the turns, so many begin before the one before has ended."""
SHARE_OF_SHORT_TURNS = (0.15, 0.35)
ECHO_SECONDS = 0.45


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """A meeting, and who speaks when in it."""

    name: str
    audio: Audio
    turns: tuple[SpeakerTurn, ...]


def meetings(voices: dict[str, Audio], seeds: Sequence[int] = SEEDS) -> Iterator[Meeting]:
    """Yield a meeting of 20 to 77 s for each seed and number of people. The same voices give the same samples."""
    long = {name: voice for name, voice in sorted(voices.items()) if len(voice) >= MIN_VOICE_SECONDS * SAMPLE_RATE}
    for seed in seeds:
        for people in PEOPLE:
            rng = np.random.default_rng([seed, people])
            chosen = rng.choice(sorted(long), people, replace=False).tolist()
            yield _meeting(rng, f"{people} people {seed}", {name: long[name] for name in chosen})


def voice_files(folder: Path) -> dict[str, Path]:
    """Return one recording for each person."""
    return {path.name.split("-")[0]: path for path in sorted(folder.glob("*.flac"))}


def _meeting(rng: np.random.Generator, name: str, voices: dict[str, Audio]) -> Meeting:
    seconds = float(rng.uniform(20, 22 + 11 * len(voices)))
    audio = np.zeros(round(seconds * SAMPLE_RATE))
    turns = []
    said = dict.fromkeys(voices, 0)
    rooms = {person: _echoes(rng) for person in voices}
    levels = {person: FULL * 10 ** (rng.uniform(-5, 5) / 20) for person in voices}
    for person, start, end in _plan(rng, list(voices), seconds):
        samples = round((end - start) * SAMPLE_RATE)
        if said[person] + samples > len(voices[person]):
            said[person] = 0
        part = voices[person][said[person] :][:samples]
        said[person] += samples
        part = part * (levels[person] / (np.sqrt(np.mean(np.square(part))) + 1e-6))
        first = round(start * SAMPLE_RATE)
        heard = _in_room(part, rooms[person])[: len(audio) - first]
        audio[first : first + len(heard)] += heard
        turns.append(SpeakerTurn(start=start, end=end, speaker=person))
    audio += room(rng, len(audio), rng.uniform(-30, -18))
    return Meeting(
        name=name, audio=np.clip(audio / 2, -1, 1).astype(np.float32), turns=tuple(sorted(turns, key=_start))
    )


def _plan(rng: np.random.Generator, people: list[str], seconds: float) -> Iterator[tuple[str, float, float]]:
    """Yield person, start and end of each turn; some people say much, others little."""
    shares = rng.dirichlet(np.full(len(people), 2.5))
    overlap, short = rng.choice(SHARE_OF_OVERLAP), rng.choice(SHARE_OF_SHORT_TURNS)
    last = -1
    start = float(rng.uniform(0, 0.5))
    while start < seconds - 0.6:
        chances = shares * np.where(np.arange(len(people)) == last, 0.15, 1.0)
        last = int(rng.choice(len(people), p=chances / chances.sum()))
        length = rng.uniform(0.3, 1.0) if rng.random() < short else np.clip(rng.lognormal(0.7, 0.7), 0.4, 7.0)
        end = min(seconds, start + float(length))
        yield people[last], start, end
        if len(people) > 1 and rng.random() < overlap:
            start = max(0.0, end - float(rng.uniform(0.3, min(2.5, max(0.31, length)))))
        else:
            start = end + float(rng.uniform(0, 0.7))


def _echoes(rng: np.random.Generator) -> Audio:
    """The impulse response of a room whose echoes fall by 60 dB in 0.2 to 0.5 s."""
    seconds = np.arange(round(ECHO_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / rng.uniform(0.2, 0.5))
    echoes[: round(rng.uniform(20, 120))] = 0
    echoes *= rng.uniform(0.1, 0.7) / np.sqrt(np.sum(np.square(echoes)))
    echoes[0] = 1.0
    response: Audio = (echoes / np.sqrt(np.sum(np.square(echoes)))).astype(np.float32)
    return response


def _in_room(audio: Audio, response: Audio) -> Audio:
    size = len(audio) + len(response) - 1
    heard: Audio = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(response, size), size).astype(np.float32)
    return heard


def _start(turn: SpeakerTurn) -> float:
    return turn.start
