"""Engines that are loaded before the first recording comes."""

from pathlib import Path

from echoic.engines.registry import Engines
from echoic.settings import Settings


def test_what_transcribes_and_tells_speakers_apart_is_loaded(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        transcriber="fake",
        diarizer="fake",
        entity_tagger="fake",
        text_encoder="fake",
    )
    engines = Engines(settings)
    leases = (engines.transcriber, engines.diarizer, engines.speech_detector, engines.entity_tagger)
    assert [lease.loaded for lease in leases] == [False] * 4
    engines.load_ahead()
    assert [lease.loaded for lease in leases] == [True, True, True, False]
    engines.close()
