"""The network of multilingual-e5-small, a BERT encoder (Devlin et al., NAACL 2019), in numpy.

The mean of a text's last states, scaled to length 1, is its embedding (Wang et al., arXiv:2402.05672).
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import erf

from echoic.engines.e5.packed import Floats, PackedModel


def embed(model: PackedModel, tokens: Sequence[Sequence[int]]) -> Floats:
    """Embed texts of at most ``max_tokens`` tokens each, shape (texts, width); the memory grows with the longest."""
    longest = max(map(len, tokens))
    numbers = np.zeros((len(tokens), longest), dtype=np.int64)
    given = np.zeros(numbers.shape, dtype=bool)
    for row, text in enumerate(tokens):
        numbers[row, : len(text)] = text
        given[row, : len(text)] = True
    positions = model.tensors["emb.pos"].reshape(-1, model.width)[:longest]
    states = model.words.rows(numbers) + positions + model.tensors["emb.type"][: model.width]
    states = _normalized(states, model, "emb.ln")
    hidden = np.where(given, 0.0, -np.inf).astype(np.float32)[:, np.newaxis, np.newaxis, :]
    for number in range(model.layers):
        layer = f"l{number}"
        states = _normalized(states + _attended(states, hidden, model, layer), model, f"{layer}.aln")
        inner = _gelu(_linear(states, model, f"{layer}.fi"))
        states = _normalized(states + _linear(inner, model, f"{layer}.fo"), model, f"{layer}.oln")
    weights = given[..., np.newaxis].astype(np.float32)
    means = (states * weights).sum(axis=1) / weights.sum(axis=1)
    vectors: Floats = means / np.linalg.norm(means, axis=1, keepdims=True)
    return vectors


def _attended(states: Floats, hidden: Floats, model: PackedModel, layer: str) -> Floats:
    texts, longest, width = states.shape
    queries, keys, values = (
        _linear(states, model, f"{layer}.{part}").reshape(texts, longest, model.heads, -1).swapaxes(1, 2)
        for part in ("q", "k", "v")
    )
    scores = queries @ keys.swapaxes(2, 3) / np.float32(np.sqrt(width / model.heads)) + hidden
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    return _linear((scores @ values).swapaxes(1, 2).reshape(states.shape), model, f"{layer}.ao")


def _linear(states: Floats, model: PackedModel, name: str) -> Floats:
    bias = model.tensors[f"{name}.b"]
    flat: Floats = states.reshape(-1, states.shape[-1]) @ model.tensors[f"{name}.w"].T + bias
    return flat.reshape(*states.shape[:-1], len(bias))


def _normalized(states: Floats, model: PackedModel, name: str) -> Floats:
    centered = states - states.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centered * centered).mean(axis=-1, keepdims=True) + np.float32(model.epsilon))
    normalized: Floats = centered / scale * model.tensors[f"{name}.w"] + model.tensors[f"{name}.b"]
    return normalized


def _gelu(states: Floats) -> Floats:
    activated: Floats = states * np.float32(0.5) * (1 + erf(states * np.float32(np.sqrt(0.5))))
    return activated
