"""Many channels become one, so that nobody who is heard on one of them is lost. Pure."""

import numpy as np
from numpy.typing import NDArray

from echoic.engines.media.child.channels import UNLABELLED, Channels, Samples
from echoic.engines.media.child.polarity import Polarity
from echoic.units import SAMPLE_RATE

STEREO = 2
WEIGHTS = {"FC": 1.0, "FL": 0.7071, "FR": 0.7071, "LFE": 1.0, "LFE2": 1.0}
"""Of the channels of a film, as FFmpeg mixes them (ITU-R BS.775); the voices are in the middle."""
OTHER_WEIGHT = 0.5
BASS = ("LFE", "LFE2")
MIN_BASS_SLOPE = 0.02
"""Power of the differences of neighboring samples over that of the samples. Below 120 Hz, where a bass channel ends, it is
at most 0.002; in speech 0.05 and more. What is named a bass channel but is not one is a microphone."""
LIMIT = 0.98
RECOVERY = 1.05
"""How much louder a block may be than the one before, after a limit was met."""
RAMP_SAMPLES = SAMPLE_RATE // 200


class Mixdown:
    """Mixes block after block of one recording.

    Unlabelled channels count equally. Channels that are each other's opposite are not added up to nothing, see
    ``Polarity``.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._weights: NDArray[np.float32] = np.ones(1, dtype=np.float32)
        self._polarities: list[Polarity] = []
        self._bass: dict[int, NDArray[np.float64]] = {}
        self._limits = False
        self._gain = 1.0

    def mix(self, channels: Channels) -> Samples:
        """Return one channel of the same length."""
        if len(channels.samples) == 1:
            only: Samples = channels.samples[0]
            return only
        if channels.names != self._names:
            self._begin(channels.names)
        mix: Samples = channels.samples[0] * self._weights[0]
        for number, polarity in enumerate(self._polarities, 1):
            channel = channels.samples[number]
            if number in self._bass and not self._is_speech(number, channel):
                continue
            mix = polarity.add(mix, channel * self._weights[number])
        return self._limited(mix) if self._limits else mix

    def _begin(self, names: tuple[str, ...]) -> None:
        self._names = names
        count = len(names)
        is_labelled = count > STEREO and UNLABELLED not in names
        self._polarities = [Polarity() for _ in names[1:]]
        self._bass = {}
        # Many microphones, of which one is heard at a time: a plain mean would make everybody soft.
        self._limits = count > STEREO and not is_labelled
        self._gain = 1.0
        if is_labelled and names[0].startswith("AMBI"):
            # The first channel of a sphere of microphones hears all sides alike.
            weights = np.eye(1, count, dtype=np.float32)[0]
        elif is_labelled:
            weights = np.array([WEIGHTS.get(name, OTHER_WEIGHT) for name in names], dtype=np.float32)
            weights /= weights.sum()
            self._bass = {number: np.zeros(2) for number, name in enumerate(names) if number and name in BASS}
        else:
            weights = np.full(count, 1 / count if count <= STEREO else count**-0.5, dtype=np.float32)
        self._weights = weights

    def _is_speech(self, number: int, channel: Samples) -> bool:
        power = self._bass[number]
        power += (np.square(channel, dtype=np.float64).sum(), np.square(np.diff(channel), dtype=np.float64).sum())
        return bool(power[1] > MIN_BASS_SLOPE * power[0])

    def _limited(self, mix: Samples) -> Samples:
        before = self._gain
        peak = float(np.max(np.abs(mix)))
        self._gain = min(1.0, before * RECOVERY, LIMIT / peak if peak > LIMIT else 1.0)
        if self._gain == before == 1.0:
            return mix
        gains = np.full(len(mix), self._gain, dtype=np.float32)
        ramp = min(RAMP_SAMPLES, len(mix))
        gains[:ramp] = np.linspace(before, self._gain, ramp, dtype=np.float32)
        return mix * gains
