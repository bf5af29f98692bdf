"""The files for telling voices apart, two models and a mean of voices, checked before use."""

import hashlib
from typing import TYPE_CHECKING

from echoic import errors
from echoic.engines.failures import translated
from echoic.engines.models.catalog import BACKGROUND, CAMPPLUS, SEGMENTATION
from echoic.engines.models.model import Model
from echoic.engines.models.packaged import ContentMismatch, file_in_package

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

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


def open_session(model: Model, *, threads: int) -> "InferenceSession":
    """Load a model that computes with so many threads. Raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
    import onnxruntime

    content = read_weights(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    with translated(f"The model {model.name} could not be loaded."):
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
