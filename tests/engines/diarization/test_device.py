"""The device of the built-in diarizer, by a stand-in for onnxruntime-gpu: no GPU is at hand where tests run."""

from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from echoic import errors
from echoic.engines.registry import Engines
from echoic.settings import Settings

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class Runtime:
    """What the stand-in is told, and the sessions it was asked for."""

    def __init__(self) -> None:
        self.starts = True
        self.error: Exception | None = None
        self.preloaded = False
        self.asked: list[tuple[list[Any], dict[str, Any]]] = []


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    made = Runtime()

    class Session:
        def __init__(self, content: bytes, options: Any, *, providers: list[Any], **more: Any) -> None:
            made.asked.append((providers, more))
            if made.error is not None:
                raise made.error
            on_cuda = made.starts and providers[0] != CPU
            self.providers = [CUDA, CPU] if on_cuda else [CPU]

        def get_providers(self) -> list[str]:
            return self.providers

    def preload() -> None:
        made.preloaded = True

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "preload_dlls", preload)
    return made


def engines(folder: Path, **changes: Any) -> Engines:
    return Engines(Settings(_env_file=None, data_dir=folder, diarizer_device="cuda").model_copy(update=changes))


def test_both_models_are_asked_for_on_the_gpu_of_the_settings_without_a_way_back(
    runtime: Runtime, tmp_path: Path
) -> None:
    with engines(tmp_path, gpu_index=2).diarizer.use():
        pass

    assert len(runtime.asked) == 2
    for providers, more in runtime.asked:
        ((name, options),) = providers
        assert (name, options["device_id"]) == (CUDA, "2")
        assert more == {"enable_fallback": 0}
    assert runtime.preloaded


def test_unless_told_otherwise_it_computes_on_the_processor(runtime: Runtime, tmp_path: Path) -> None:
    with engines(tmp_path, diarizer_device="cpu").diarizer.use():
        pass

    assert [providers for providers, _ in runtime.asked] == [[CPU], [CPU]]
    assert not runtime.preloaded


def test_voices_are_compared_on_the_processor_all_the_same(runtime: Runtime, tmp_path: Path) -> None:
    with engines(tmp_path).voice_encoder.use():
        pass

    assert [providers for providers, _ in runtime.asked] == [[CPU]]


def test_a_gpu_that_does_not_start_is_an_error_and_not_the_processor(runtime: Runtime, tmp_path: Path) -> None:
    runtime.starts = False

    with (
        pytest.raises(errors.EngineFailed, match="could not start CUDA on the GPU 0"),
        engines(tmp_path).diarizer.use(),
    ):
        pass


def test_what_the_library_raises_is_ours(runtime: Runtime, tmp_path: Path) -> None:
    runtime.error = RuntimeError("CUDA failure 100: no CUDA-capable device is detected")

    with pytest.raises(errors.EngineFailed, match="could not be loaded on the GPU"), engines(tmp_path).diarizer.use():
        pass


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="onnxruntime-gpu is installed")
def test_the_ordinary_onnxruntime_names_the_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="onnxruntime-gpu"), engines(tmp_path).diarizer.use():
        pass


def test_the_library_takes_what_it_is_given(tmp_path: Path) -> None:
    from echoic.engines.diarization.weights import SEGMENTATION, read_weights

    session = onnxruntime.InferenceSession(read_weights(SEGMENTATION), providers=[CPU], enable_fallback=0)

    assert callable(onnxruntime.preload_dlls)
    assert CPU in session.get_providers()
