"""The border to the model libraries: what they raise while loading and computing becomes ``errors.EngineFailed``."""

from collections.abc import Iterator
from contextlib import contextmanager

from echoic import errors


@contextmanager
def translated(message: str | None = None) -> Iterator[None]:
    """Wrap calls of a library, never a callback of ours, whose errors are not the library's."""
    try:
        yield
    except _library_errors() as error:
        raise errors.EngineFailed(message) from error


def _library_errors() -> tuple[type[Exception], ...]:
    # Looked up when something failed: by then the library that failed is imported.
    from onnxruntime.capi import onnxruntime_pybind11_state as onnx

    return (
        # CTranslate2, tokenizers and spaCy raise Python's own: these, and what comes of arrays and tables that do not
        # fit what they are used for.
        *(RuntimeError, ValueError, MemoryError, OSError, IndexError, KeyError),
        # onnx-asr checks what a model answers by assertions.
        AssertionError,
        *(onnx.EngineError, onnx.EPFail, onnx.Fail, onnx.InvalidArgument, onnx.InvalidGraph, onnx.InvalidProtobuf),
        *(onnx.NoModel, onnx.NoSuchFile, onnx.NotImplemented, onnx.RuntimeException),
    )
