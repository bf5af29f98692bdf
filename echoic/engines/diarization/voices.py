"""Vectors that tell voices apart, by CAM++ (Wang et al., 2023, arXiv:2303.00332) on Kaldi filter banks."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from echoic.engines.failures import translated
from echoic.records import Audio, Embeddings
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

DIMENSIONS = 192
MEL_BINS = 80
FEATURE_HOP_SAMPLES = 160
FEATURE_WINDOW_SAMPLES = 400
FEATURES_A_SECOND = SAMPLE_RATE // FEATURE_HOP_SAMPLES
BATCH_STRETCHES = 8
# Mel filters of Kaldi between 20 Hz and 8 kHz whose centers lie in these bands.
TELEPHONE_BINS = slice(10, 53)
"""300 to 3,400 Hz."""
UPPER_BINS = slice(60, 80)
"""4,300 Hz and more."""

Features = NDArray[np.float32]
"""Logarithms of filter bank energies, shape (frames, MEL_BINS)."""


def features_of(audio: Audio) -> Features:
    """Kaldi's filter banks as the model was trained on: 25 ms windows every 10 ms, whole windows only, no dither."""
    import kaldi_native_fbank

    frames = feature_count(len(audio))
    if frames == 0:
        return np.zeros((0, MEL_BINS), dtype=np.float32)
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.dither = 0.0
    options.frame_opts.snip_edges = True
    options.frame_opts.window_type = "povey"
    options.mel_opts.num_bins = MEL_BINS
    with translated("The features of the voices could not be computed."):
        bank = kaldi_native_fbank.OnlineFbank(options)
        bank.accept_waveform(SAMPLE_RATE, audio)
        bank.input_finished()
        # The extractor owns what it hands out; stacking copies it.
        return np.stack([bank.get_frame(index) for index in range(frames)])


def feature_count(samples: int) -> int:
    """Return the number of feature frames that so many samples yield."""
    return 0 if samples < FEATURE_WINDOW_SAMPLES else 1 + (samples - FEATURE_WINDOW_SAMPLES) // FEATURE_HOP_SAMPLES


def vectors_of(session: "InferenceSession", stretches: Sequence[Features]) -> Embeddings:
    """Return one vector of length 1 for each stretch of features, in their order."""
    vectors = np.zeros((len(stretches), DIMENSIONS), dtype=np.float32)
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, features in enumerate(stretches):
        by_length[len(features)].append(index)
    for indices in by_length.values():
        for start in range(0, len(indices), BATCH_STRETCHES):
            batch = indices[start : start + BATCH_STRETCHES]
            inputs = np.stack([stretches[index] - stretches[index].mean(axis=0) for index in batch])
            with translated("The voices could not be told apart."):
                (vectors[batch],) = session.run(None, {"fbank": inputs})
    return unit(vectors)


def unit(vectors: Embeddings) -> Embeddings:
    """Return the same directions at length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Embeddings = vectors / np.maximum(lengths, np.float32(1e-9))
    return scaled


def upper_level(features: Features) -> float:
    """Return the level of the band above telephony over that of telephony, in nepers of energy."""
    return float(features[:, UPPER_BINS].mean() - features[:, TELEPHONE_BINS].mean())
