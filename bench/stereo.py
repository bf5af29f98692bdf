"""Calls with one voice a channel: how surely they are told from other stereo, by the real decoder.

Usage: python bench/stereo.py [--audio FOLDER]

Each development conversation of two, three or four speakers is made into stereo in several ways: the first speaker on
the left and all others on the right, with crosstalk of several levels and a floor of noise, which is a call; and
everybody on both channels, panned by several levels, or on one channel alone, which is none.
"""

import argparse
import asyncio
import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.local_file import DEV_AUDIO, as_audio, decoded_samples
from echoic.engines.media.parent import MediaLimits, decode
from echoic.records import MediaInfo
from echoic.settings import Settings
from echoic.stages.decode import voices_apart
from echoic.units import SAMPLE_RATE

CROSSTALK_DB = (None, -30, -20, -15, -12, -10, -6)
PAN_DB = (0, 3, 6, 10, 15)
NOISE_FLOOR = 1e-3
SEED = 3

Samples = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    is_call: bool
    left: Samples
    right: Samples


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A file's bytes as the decoder reads them."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    async def read_range(self, start: int, length: int) -> bytes:
        return self.content[start : start + length]


def cases(folder: Path) -> Iterator[Case]:
    noise = np.random.default_rng(SEED)
    for rttm in sorted(folder.glob("conversations/conv*.rttm")):
        audio = as_audio(decoded_samples(rttm.with_suffix(".flac"), Settings(_env_file=None))).astype(np.float64)
        first, others = split(audio, rttm)
        floor = [noise.normal(0, NOISE_FLOOR, len(audio)) for _ in range(2)]
        for crosstalk in CROSSTALK_DB:
            leak = 0.0 if crosstalk is None else 10 ** (crosstalk / 20)
            yield Case(
                name="no crosstalk" if crosstalk is None else f"crosstalk {crosstalk} dB",
                is_call=True,
                left=first + leak * others + floor[0],
                right=others + leak * first + floor[1],
            )
        for pan in PAN_DB:
            yield Case(
                name=f"both, panned {pan} dB",
                is_call=False,
                left=audio + floor[0],
                right=10 ** (-pan / 20) * audio + floor[1],
            )
        yield Case(name="one channel dead", is_call=False, left=audio + floor[0], right=floor[1])


def split(audio: Samples, rttm: Path) -> tuple[Samples, Samples]:
    """The first speaker alone, and all others, by the true turns; where both speak, both have it."""
    masks: dict[str, Samples] = {}
    for line in rttm.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        start, length, speaker = float(fields[3]), float(fields[4]), fields[7]
        mask = masks.setdefault(speaker, np.zeros(len(audio)))
        mask[int(start * SAMPLE_RATE) : int((start + length) * SAMPLE_RATE)] = 1.0
    first, *others = masks.values()
    return audio * first, audio * np.clip(sum(others, np.zeros(len(audio))), 0, 1)


def as_wav(case: Case) -> bytes:
    content = io.BytesIO()
    pair = np.clip(np.stack([case.left, case.right], axis=1), -1, 1)
    with wave.open(content, "wb") as file:
        file.setparams((2, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((pair * 32_767).astype("<i2").tobytes())
    return content.getvalue()


async def balance_of(case: Case) -> MediaInfo:
    async def drop(_: bytes) -> None: ...

    limits = MediaLimits.from_settings(Settings(_env_file=None))
    return await decode(Memory(content=as_wav(case)), limits, on_audio=drop)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, default=DEV_AUDIO)
    folder = parser.parse_args().audio
    found: dict[tuple[bool, str], list[tuple[bool, float]]] = {}
    for case in cases(folder):
        balance = asyncio.run(balance_of(case)).balance
        alone = sum(balance.alone) / max(balance.active, 1)
        found.setdefault((case.is_call, case.name), []).append((bool(voices_apart(balance)), alone))
    print(f"{'stereo made of a conversation':<30} {'taken for a call':>17} {'sound on one channel alone':>28}")
    for (_, name), results in found.items():
        shares = sorted(alone for _, alone in results)
        print(
            f"{name:<30} {sum(taken for taken, _ in results):>10} of {len(results)} {shares[0]:>18.3f} to {shares[-1]:.3f}"
        )
    calls = [taken for (is_call, _), results in found.items() for taken, _ in results if is_call]
    others = [taken for (is_call, _), results in found.items() for taken, _ in results if not is_call]
    print(f"calls={len(calls)} calls_found={sum(calls)} others={len(others)} others_taken_for_calls={sum(others)}")


if __name__ == "__main__":
    main()
