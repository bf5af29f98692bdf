"""The parts that WhisperX and pyannote share: quiet imports, one run at a time on a device, batches that fit its memory."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from echoic import errors
from echoic.engines.models.hub import quiet_hub
from echoic.engines.models.packaged import locked
from echoic.settings import Settings

ResultT = TypeVar("ResultT")

INSTALL = "pip install 'echoic[whisperx]'"
OUT_OF_MEMORY = "out of memory"
"""The words that both CTranslate2 and torch use in a ``RuntimeError`` for missing memory."""


def quiet(settings: Settings) -> None:
    """Switch telemetry off, before anything imports the libraries that send it."""
    quiet_hub(settings)
    os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
    os.environ["OTEL_SDK_DISABLED"] = "true"


def torch_device(settings: Settings) -> str:
    """Return the device as torch names it."""
    return "cpu" if settings.gpu_device == "cpu" else f"cuda:{settings.gpu_index}"


def held(settings: Settings) -> AbstractContextManager[None]:
    """Hold the device for one run: others, in this process or another one on this machine, wait."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return locked(settings.data_dir / f".device-{torch_device(settings).replace(':', '-')}.lock")


def fitting(batch_size: int, run: Callable[[int], ResultT], *, relieve: Callable[[], None]) -> tuple[ResultT, int]:
    """Call ``run`` with a batch that is halved each time memory runs out; returns its result and the batch that fit.

    ``relieve`` is called before each further try. Raises ``errors.EngineFailed`` where a single one does not fit; other
    errors of ``run`` reach the caller.
    """
    while True:
        try:
            return run(batch_size), batch_size
        except RuntimeError as error:
            if OUT_OF_MEMORY not in str(error).lower():
                raise
            if batch_size == 1:
                raise errors.EngineFailed("The memory of the device is too small for this model.") from error
        batch_size //= 2
        relieve()


def relieve_memory() -> None:
    """Give back what torch keeps for later."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
