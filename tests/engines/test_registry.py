import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from echoic import errors
from echoic.engines import registry
from echoic.engines.registry import Engines
from echoic.settings import Settings


def settings(folder: Path, **changes: str) -> Settings:
    return Settings(data_dir=folder).model_copy(update=changes)


def test_the_settings_name_the_engines(tmp_path: Path) -> None:
    engines = Engines(settings(tmp_path))

    assert engines.transcriber.id.label.startswith("faster-whisper/base@")
    assert engines.speech_detector.id.name == "silero"
    assert engines.entity_tagger.id.name == "spacy"
    assert engines.text_encoder.id.name == "minilm"


def test_the_fakes_are_engines_like_any_other(tmp_path: Path) -> None:
    engines = Engines(settings(tmp_path, transcriber="fake", entity_tagger="fake", text_encoder="fake"))

    with engines.transcriber.use(), engines.speech_detector.use(), engines.entity_tagger.use():
        pass
    assert engines.transcriber.loaded
    engines.close()
    assert not engines.transcriber.loaded


@pytest.mark.parametrize("task", ["transcriber", "entity_tagger", "text_encoder"])
def test_an_unknown_name_is_refused_with_the_names_there_are(tmp_path: Path, task: str) -> None:
    with pytest.raises(errors.EngineUnknown, match=r"'oracle'.*fake"):
        Engines(settings(tmp_path, **{task: "oracle"}))


def test_a_server_that_starts_imports_no_library_of_the_engines_nor_that_of_agents() -> None:
    program = (
        "import sys; from echoic.settings import Settings; from echoic.engines.registry import Engines; "
        "import echoic.engines.media.parent, echoic.engines.pieces, echoic.server.serve; Engines(Settings()); "
        "print(sorted({'av', 'ctranslate2', 'faster_whisper', 'mcp', 'mcp_types', 'onnx_asr', 'onnxruntime', 'spacy', "
        "'tokenizers', 'torch'} & set(sys.modules)))"
    )

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"


def test_every_engine_that_is_named_as_a_text_is_a_class() -> None:
    named = re.findall(r'"([\w.]+):(\w+)"', inspect.getsource(registry))
    assert len(named) == 13
    for module, name in named:
        assert inspect.isclass(getattr(importlib.import_module(f"echoic.engines.{module}"), name))
