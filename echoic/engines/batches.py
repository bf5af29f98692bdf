"""Batches that fit the memory of a device: halved where it runs out. Knows neither models nor what is computed."""

from collections.abc import Callable
from typing import TypeVar

from echoic import errors
from echoic.logs import get_logger

ResultT = TypeVar("ResultT")

OUT_OF_MEMORY = ("out of memory", "cublas_status_alloc_failed")
"""The words that CTranslate2 and torch use in a ``RuntimeError`` for missing memory, and those of cuBLAS that both pass on."""

logger = get_logger(__name__)


def fitting(batch_size: int, run: Callable[[int], ResultT], *, relieve: Callable[[], object]) -> tuple[ResultT, int]:
    """Call ``run`` with a batch that is halved each time memory runs out; returns its result and the batch that fit.

    ``run`` may raise what the library raises, or our error with that as its cause. ``relieve`` is called before each
    further try. Raises ``errors.EngineFailed`` where a single one does not fit; other errors of ``run`` reach the caller.
    """
    asked = batch_size
    while True:
        try:
            result = run(batch_size)
            break
        except (RuntimeError, errors.EngineFailed) as error:
            if not _lacks_memory(error):
                raise
            if batch_size == 1:
                raise errors.EngineFailed("The memory of the device is too small for this model.") from error
        batch_size //= 2
        relieve()
    if batch_size < asked:
        logger.warning("batch_made_smaller", asked=asked, fits=batch_size)
    return result, batch_size


def _lacks_memory(error: Exception) -> bool:
    library = error if isinstance(error, RuntimeError) else error.__cause__
    return isinstance(library, RuntimeError) and any(words in str(library).lower() for words in OUT_OF_MEMORY)
