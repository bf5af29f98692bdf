"""Makes voice vectors that can be compared across recordings: CAM++ minus the mean of many voices."""

from typing import TYPE_CHECKING

import numpy as np

from echoic.engines.diarization.voices import DIMENSIONS, features_of, unit, vectors_of
from echoic.engines.diarization.weights import BACKGROUND, CAMPPLUS, open_session, read_weights
from echoic.engines.protocols import MIN_VOICE_SECONDS
from echoic.records import Audio, EngineId, VoiceVector
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MAX_PART_SECONDS = 6.0
"""Longer audio is heard in equal parts, so that memory does not grow with it and no moment outweighs the others."""


class CamPlusVoiceEncoder:
    """CAM++ with the background that Echoic carries."""

    dimensions = DIMENSIONS

    def __init__(self, engine_id: EngineId, *, threads: int) -> None:
        """Load the model; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        self.id = engine_id
        self._background = np.frombuffer(read_weights(BACKGROUND), dtype="<f4").astype(np.float32)
        self._session: InferenceSession | None = open_session(CAMPPLUS, threads=threads)

    def embed(self, audio: Audio) -> VoiceVector:
        if self._session is None:
            raise RuntimeError("The voice encoder was closed.")
        if len(audio) < MIN_VOICE_SECONDS * SAMPLE_RATE:
            raise ValueError(f"A voice needs at least {MIN_VOICE_SECONDS} s of audio.")
        parts = np.array_split(audio, -(-len(audio) // int(MAX_PART_SECONDS * SAMPLE_RATE)))
        total = np.zeros(DIMENSIONS, dtype=np.float32)
        for part in parts:
            total += vectors_of(self._session, [features_of(part)])[0]
        return unit(total / np.float32(len(parts)) - self._background)

    def close(self) -> None:
        self._session = None
