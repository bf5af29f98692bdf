"""Recordings made from clips of read speech, by seed: turns, a far voice among near ones, talk after a room's noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from echoic.records import Audio
from echoic.units import SAMPLE_RATE

SEEDS = (13, 29, 47, 61, 83)
TALK_CLIPS = 9
FAR_CLIPS = 4
NOISE_CLIPS = 2
NOISE_SECONDS = 26.0
"""After so much of it, a speech detector with a memory stays shut for seconds of clear speech."""
CLEAR_SECONDS = 8.0
"""The least length of a clip after noise: shorter ones say little of what is lost."""
FULL = 0.1
"""Root mean square of a voice at 0 dB."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    audio: Audio
    text: str


@dataclass(frozen=True, kw_only=True)
class Built:
    """A recording made of clips; ``kind`` is ``talk``, ``far`` or ``noise``."""

    kind: str
    seed: int
    audio: Audio
    text: str


def build(clips: Sequence[Clip], seeds: Sequence[int] = SEEDS) -> Iterator[Built]:
    """Yield three recordings for each seed. The same clips and seeds give the same samples."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        yield _joined("talk", seed, _talk(rng, clips))
        yield _joined("far", seed, _far(rng, clips))
        yield _joined("noise", seed, _after_noise(rng, clips))


Part = tuple[Audio, str]


def _talk(rng: np.random.Generator, clips: Sequence[Clip]) -> Iterator[Part]:
    """People at levels from -8 to 0 dB take turns, in a quiet room."""
    for index in rng.permutation(len(clips))[:TALK_CLIPS]:
        voice = at(clips[index].audio, rng.uniform(-8, 0))
        part = np.concatenate([voice, _silence(rng.uniform(0.1, 1.2))])
        yield part + room(rng, len(part), -38), clips[index].text


def _far(rng: np.random.Generator, clips: Sequence[Clip]) -> Iterator[Part]:
    """Every second voice is at the other end of a room: quieter by 18 to 26 dB, with its echoes."""
    for turn, index in enumerate(rng.permutation(len(clips))[:FAR_CLIPS]):
        voice = at(clips[index].audio, 0)
        if turn % 2:
            voice = at(with_echoes(rng, voice), rng.uniform(-26, -18))
        part = np.concatenate([voice, _silence(rng.uniform(0.2, 1.0))])
        yield part + room(rng, len(part), -44), clips[index].text


def _after_noise(rng: np.random.Generator, clips: Sequence[Clip]) -> Iterator[Part]:
    """Before each clip a room's noise, which ends when somebody speaks or goes on more quietly."""
    long = [clip for clip in clips if len(clip.audio) >= CLEAR_SECONDS * SAMPLE_RATE]
    for index in rng.permutation(len(long))[:NOISE_CLIPS]:
        noise = room(rng, round(NOISE_SECONDS * SAMPLE_RATE), rng.uniform(-14, -4))
        voice = at(long[index].audio, 0)
        under = room(rng, len(voice), rng.choice([-60.0, -24.0]))
        yield np.concatenate([noise, voice + under]), long[index].text


def _joined(kind: str, seed: int, parts: Iterator[Part]) -> Built:
    audio, texts = zip(*parts, strict=True)
    return Built(kind=kind, seed=seed, audio=np.clip(np.concatenate(audio), -1, 1), text=" ".join(texts))


def _silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


def at(audio: Audio, decibels: float) -> Audio:
    """The voice at a level, 0 dB being ``FULL`` over its louder half."""
    loud = np.sort(np.abs(audio))[len(audio) // 2 :]
    level = float(np.sqrt(np.mean(np.square(loud)))) or 1.0
    return (audio * np.float32(FULL * 10 ** (decibels / 20) / level)).astype(np.float32)


def with_echoes(rng: np.random.Generator, audio: Audio) -> Audio:
    """The voice in a room whose echoes fall by 60 dB in 0.5 s."""
    seconds = np.arange(round(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / 0.5)
    echoes[0] = 10.0
    size = len(audio) + len(echoes)
    spectrum = np.fft.rfft(audio, size) * np.fft.rfft(echoes, size)
    heard: Audio = np.fft.irfft(spectrum, size)[: len(audio)].astype(np.float32)
    return heard


def room(rng: np.random.Generator, samples: int, decibels: float) -> Audio:
    """A fan and a hum: noise that falls by 3 dB an octave, swelling slowly, and the mains."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    spectrum *= np.where(hertz < 60, 0, 1 / np.sqrt(np.maximum(hertz, 60)))
    noise = np.fft.irfft(spectrum, samples)
    seconds = np.arange(samples) / SAMPLE_RATE
    noise = noise / np.sqrt(np.mean(np.square(noise))) * (1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.1, 0.5) * seconds))
    noise += 0.3 * np.sin(2 * np.pi * 100 * seconds)
    heard: Audio = (noise * FULL * 10 ** (decibels / 20)).astype(np.float32)
    return heard
