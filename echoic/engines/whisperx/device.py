"""The parts that WhisperX and pyannote share: quiet imports, one run at a time on a device, memory given back."""

import os
from contextlib import AbstractContextManager

from echoic.engines.models.hub import quiet_hub
from echoic.engines.models.packaged import locked
from echoic.settings import Settings

INSTALL = "pip install 'echoic[whisperx]'"


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


def relieve_memory() -> None:
    """Give back what torch keeps for later."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
