"""What Echoic carries for telling voices apart, two models and a mean of voices, checked before it is used."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from echoic import errors
from echoic.engines.failures import translated

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WEIGHTS_DIR = Path(__file__).parents[1] / "data" / "diarization"


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """A file of weights in the package."""

    name: str
    file: str
    sha256: str
    license: str
    size_bytes: int

    @property
    def path(self) -> Path:
        return WEIGHTS_DIR / self.file

    @property
    def version(self) -> str:
        """Changes whenever the content does."""
        return self.sha256[:8]


SEGMENTATION = Weights(
    name="segmentation-3.0",
    file="segmentation-3.0.onnx",
    sha256="8836733109dc415bc11d1da66fa91fa039210aa7fc1ab32e8bab35a1eb6480fa",
    license="MIT",
    size_bytes=5_916_297,
)
CAMPPLUS = Weights(
    name="campplus",
    file="campplus-w16.onnx",
    sha256="f3d3b1a1bc5cb2107886a8d6a3d22735cc959da83689d5c11163fdef789d949b",
    license="Apache-2.0",
    size_bytes=14_800_134,
)
BACKGROUND = Weights(
    name="voice-background",
    file="voice-background.f32",
    sha256="24fa61aaaf196582df80b16cebb6f6fbbe15a13ce7233b4f7d944f9a5331aa58",
    license="Apache-2.0",
    size_bytes=768,
)


def read_weights(weights: Weights) -> bytes:
    """The file's content. Raises ``errors.ModelMissing`` where it is missing or not the one Echoic was made for."""
    try:
        content = weights.path.read_bytes()
    except OSError as error:
        raise errors.ModelMissing(f"The file {weights.file} is missing from the installed package.") from error
    if hashlib.sha256(content).hexdigest() != weights.sha256:
        raise errors.ModelMissing(f"The file {weights.file} is damaged; install Echoic anew.")
    return content


def open_session(weights: Weights, *, threads: int) -> "InferenceSession":
    """Load a model that computes with so many threads. Raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
    import onnxruntime

    content = read_weights(weights)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    with translated(f"The model {weights.name} could not be loaded."):
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
