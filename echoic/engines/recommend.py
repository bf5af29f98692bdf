"""Chooses a transcriber for a machine: the best that fits it and that can be had. Says why.

The bounds are estimates: the published sizes of the models with room for their work, and the hope of an hour's recording
in less than half an hour. They were not measured on each kind of machine.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from echoic.engines.choice import MODEL_SETTINGS, Chosen
from echoic.engines.machine import Machine, look_at_machine
from echoic.engines.models.find import locate, of_transcriber
from echoic.engines.models.nemo import EUROPEAN
from echoic.settings import Settings

AUTO = "auto"
"""The name of the model that stands for the recommended one."""
HUB_URL = "https://huggingface.co"
HUB_VARIABLE = "HF_ENDPOINT"
"""The hub's library reads the address of a mirror of the hub from it."""
PROBE_SECONDS = 3.0
"""A source of models that does not answer within this counts as away."""
GB = 1_073_741_824


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A transcriber, and the machine that it asks for."""

    engine: str
    model: str
    memory_gb: float
    """Of the GPU where ``on_gpu``."""
    cores: int = 1
    on_gpu: bool = False
    languages: frozenset[str] | None = None
    """The languages of which one must be set, for an engine that knows no others; None for any."""

    @property
    def choice(self) -> Chosen:
        return Chosen(engine=self.engine, model=self.model)

    def fits(self, machine: Machine, language: str | None) -> bool:
        """Return whether the machine has what it asks for, and the language that is set is one of its own."""
        memory = machine.gpu_memory_bytes if self.on_gpu else machine.memory_bytes
        enough = memory is not None and memory >= self.memory_gb * GB and machine.cores >= self.cores
        return enough and (self.languages is None or language in self.languages)


WISHES = (
    Wish(engine="faster-whisper", model="large-v3", memory_gb=5.5, on_gpu=True),
    Wish(engine="faster-whisper", model="large-v3-turbo", memory_gb=3.0, on_gpu=True),
    # Where the language is not set, one that only Whisper knows may come.
    Wish(engine="onnx-asr", model="parakeet-tdt-0.6b-v3", memory_gb=6.0, cores=2, languages=EUROPEAN),
    Wish(engine="faster-whisper", model="large-v3-turbo", memory_gb=7.5, cores=8),
    Wish(engine="faster-whisper", model="small", memory_gb=3.5, cores=4),
    Wish(engine="faster-whisper", model="base", memory_gb=0.0),
)
"""The best first; the last fits every machine and comes with Echoic."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommendation:
    """A transcriber for a machine."""

    engine: str
    model: str
    on_gpu: bool
    reason: str

    def applied(self, settings: Settings) -> Settings:
        """Return the settings with this transcriber, and with the reason for it."""
        changes: dict[str, object] = {"transcriber": self.engine, "transcriber_model": "base"}
        changes[MODEL_SETTINGS[self.engine]] = self.model
        if self.on_gpu:
            changes |= {"transcriber_device": "cuda", "transcriber_compute_type": "float16"}
        return settings.chosen(self.reason, **changes)


def recommend(
    settings: Settings,
    *,
    machine: Machine | None = None,
    can_be_reached: Callable[[str], bool] | None = None,
) -> Recommendation:
    """Choose, among the transcribers that fit the machine, the best that is here or can be fetched.

    The source of models is asked only where something better than what is here would fit, and for ``PROBE_SECONDS`` at
    most. What is chosen and not here is fetched by its first user, or by ``echoic models pull``.
    """
    machine = machine or look_at_machine()
    source = _Source(settings, can_be_reached or answers)
    means = _means(machine, settings)
    missed: list[str] = []
    for wish in WISHES:
        if not wish.fits(machine, settings.language):
            continue
        is_here = all(locate(model, settings) is not None for model in of_transcriber(wish.choice, settings))
        if not is_here and not source.reached and wish is not WISHES[-1]:
            missed.append(wish.model)
            continue
        if is_here:
            reasons = [means, "it is on this machine"]
        else:
            reasons = [means, f"{source.name} can be reached" if source.reached else "it comes with Echoic's packages"]
        if missed:
            reasons.append(f"{missed[0]} would fit, but is not on this machine, and {source.why_not}")
        return Recommendation(engine=wish.engine, model=wish.model, on_gpu=wish.on_gpu, reason="; ".join(reasons))
    raise AssertionError("The last transcriber fits every machine.")


def answers(url: str) -> bool:
    """Return whether anything answers at an address within ``PROBE_SECONDS``, the look-up of its name included."""
    import httpx

    heard = threading.Event()

    def ask() -> None:
        try:
            httpx.head(url, timeout=PROBE_SECONDS)
        except httpx.HTTPError:
            return
        heard.set()

    # A name server that is silent keeps the thread waiting for longer; it ends with the process at the latest.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PROBE_SECONDS)
    return heard.is_set()


class _Source:
    """The server that models would be fetched from; asked once, when its answer first matters."""

    def __init__(self, settings: Settings, can_be_reached: Callable[[str], bool]) -> None:
        self._url = settings.models_url or os.environ.get(HUB_VARIABLE) or HUB_URL
        self._may_fetch = settings.model_downloads
        self._can_be_reached = can_be_reached
        self.name = urlsplit(self._url).hostname or self._url

    @cached_property
    def reached(self) -> bool:
        return self._may_fetch and self._can_be_reached(self._url)

    @property
    def why_not(self) -> str:
        return f"{self.name} cannot be reached" if self._may_fetch else "downloads are switched off"


def _means(machine: Machine, settings: Settings) -> str:
    gpu = "no GPU" if machine.gpu_memory_bytes is None else f"a GPU of {machine.gpu_memory_bytes / GB:.1f} GB"
    spoken = f"language {settings.language}" if settings.language else "any language"
    return f"{machine.cores} cores, {machine.memory_bytes / GB:.1f} GB of memory, {gpu}, {spoken}"
