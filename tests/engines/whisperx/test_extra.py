"""The extra as it is installed: skipped where torch and WhisperX are not, as in every ordinary build."""

import inspect
from pathlib import Path

import pytest

from echoic.engines.protocols import TranscribeOptions
from echoic.engines.registry import Engines
from echoic.records import Audio
from echoic.settings import Settings

REASON = "needs the extra: pip install 'echoic[whisperx]'"
pytest.importorskip("torch", reason=REASON)
whisperx = pytest.importorskip("whisperx", reason=REASON)


def test_the_library_takes_what_it_is_given() -> None:
    from whisperx import alignment, asr

    assert {"device_index", "compute_type", "asr_options", "local_files_only", "threads"} <= set(
        inspect.signature(asr.load_model).parameters
    )
    assert {"language_code", "device", "model_dir", "model_cache_only"} <= set(
        inspect.signature(alignment.load_align_model).parameters
    )
    assert {"batch_size", "language"} <= set(inspect.signature(asr.FasterWhisperPipeline.transcribe).parameters)


@pytest.mark.models
def test_it_hears_a_speech_on_the_processor(tmp_path: Path, jfk: Audio) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        transcriber="whisperx",
        whisperx_model="base",
        gpu_device="cpu",
        whisperx_compute_type="int8",
        model_downloads=False,
    )
    engines = Engines(settings)
    with engines.transcriber.use() as transcriber:
        found = transcriber.transcribe(jfk, options=TranscribeOptions(language="en"))
    engines.close()

    assert "country" in " ".join(segment.text for segment in found.segments).lower()
