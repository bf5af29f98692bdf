"""The files for telling voices apart, two models and a mean of voices, checked before use."""

import hashlib
from typing import TYPE_CHECKING

from echoic import errors
from echoic.engines.failures import translated
from echoic.engines.models.catalog import BACKGROUND, CAMPPLUS, SEGMENTATION
from echoic.engines.models.model import Model
from echoic.engines.models.packaged import ContentMismatch, file_in_package

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

CUDA = "CUDAExecutionProvider"
CUDA_OPTIONS = {
    # Stretches of voices have many lengths, and by default the library would try out every way for each of them.
    "cudnn_conv_algo_search": "HEURISTIC",
    # Numbers of the full length, as the processor computes with: turns and thresholds are made for these.
    "use_tf32": "0",
}
INSTALL = "pip uninstall onnxruntime; pip install 'onnxruntime-gpu[cuda,cudnn]'"

__all__ = ["BACKGROUND", "CAMPPLUS", "SEGMENTATION", "open_session", "read_weights"]


def read_weights(model: Model) -> bytes:
    """The one file's content. Raises ``errors.ModelMissing`` where it is missing or not the one Echoic was made for."""
    (file,) = model.packaged[0].files
    try:
        content = file_in_package(*file.parts[0]).read_bytes()
    except (ContentMismatch, OSError) as error:
        raise errors.ModelMissing(f"The file {file.name} is missing from the installed package.") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise errors.ModelMissing(f"The file {file.name} is damaged; install Echoic again.")
    return content


def open_session(model: Model, *, threads: int, cuda_index: int | None = None) -> "InferenceSession":
    """Load a model that computes with so many threads, or on the GPU of that number, never on another device in its place.

    Raises ``errors.ModelMissing`` and ``errors.EngineFailed``.
    """
    import onnxruntime

    content = read_weights(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if cuda_index is not None:
        return _on_cuda(model, content, options, cuda_index)
    with translated(f"The model {model.name} could not be loaded."):
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _on_cuda(model: Model, content: bytes, options: "SessionOptions", index: int) -> "InferenceSession":
    import onnxruntime

    if CUDA not in onnxruntime.get_available_providers():
        raise errors.EngineFailed(
            f"ECHOIC_DIARIZER_DEVICE is cuda, but the installed onnxruntime cannot compute there; {INSTALL}."
        )
    with translated(f"The model {model.name} could not be loaded on the GPU {index}."):
        # From packages of NVIDIA's, where there are some.
        onnxruntime.preload_dlls()
        session = onnxruntime.InferenceSession(
            content,
            options,
            providers=[(CUDA, {"device_id": str(index), **CUDA_OPTIONS})],
            # Else it would go on with the processor, now or at a run that fails, and say so on standard output alone.
            enable_fallback=0,
        )
    # Where CUDA does not start, the library logs that and leaves it out in spite of the above.
    if CUDA not in session.get_providers():
        raise errors.EngineFailed(
            f"onnxruntime could not start CUDA on the GPU {index}: a driver or a library of CUDA is missing or too old."
            " Its log says which."
        )
    return session
