"""Batches of texts of like length, and networks in ONNX form whose token vectors are averaged, for encoders of sentences."""

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from echoic.engines.failures import translated
from echoic.records import Embeddings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding

BATCH_TEXTS = 16


def by_length(texts: Sequence[Sized]) -> list[list[int]]:
    """Return the places of the texts in batches; texts of like length together, since a batch is as wide as its longest."""
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    return [order[start : start + BATCH_TEXTS] for start in range(0, len(order), BATCH_TEXTS)]


class OnnxSentences:
    """A network in ONNX form with its tokenizer.

    The recipe of sentence-transformers for such models: mean of the token vectors under the attention mask, then length 1.
    """

    def __init__(self, model: Path, tokenizer: Path, *, dimensions: int, max_tokens: int, threads: int) -> None:
        """Load both; raises ``errors.EngineFailed``. Of a text that is longer than ``max_tokens`` the rest does not count."""
        import onnxruntime
        from tokenizers import Tokenizer

        self._dimensions = dimensions
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        with translated("The text encoder's model could not be loaded."):
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
            self._session: InferenceSession | None = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
            self._inputs = {each.name for each in self._session.get_inputs()}
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one vector for each text, shape (texts, dimensions). Raises ``errors.EngineFailed``."""
        if self._session is None:
            raise RuntimeError("The text encoder was closed.")
        with translated("The text encoder failed."):
            encodings = self._tokenizer.encode_batch(list(texts))
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for batch in by_length([encoding.ids for encoding in encodings]):
            vectors[batch] = self._encode_batch(self._session, [encodings[index] for index in batch])
        return vectors

    def close(self) -> None:
        self._session = None

    def _encode_batch(self, session: "InferenceSession", encodings: Sequence["Encoding"]) -> Embeddings:
        width = max(len(encoding.ids) for encoding in encodings)
        ids = np.zeros((len(encodings), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        with translated("The text encoder failed."):
            (tokens, *_) = session.run(None, {name: inputs[name] for name in self._inputs})
        weights = mask[:, :, np.newaxis].astype(np.float32)
        means = (tokens * weights).sum(axis=1) / weights.sum(axis=1)
        vectors: Embeddings = means / np.linalg.norm(means, axis=1, keepdims=True)
        return vectors
