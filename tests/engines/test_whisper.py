"""What the real transcriber hears. Short recordings only."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.built import at, room, with_echoes
from echoic import errors
from echoic.engines.protocols import TranscribeOptions, Transcriber
from echoic.engines.registry import Engines
from echoic.engines.silero import find_speech
from echoic.engines.whisper import WhisperTranscriber
from echoic.records import Audio, EngineId, SpeechSpan, Transcription
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

pytestmark = pytest.mark.models

SPEECH = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"


@pytest.fixture(scope="module")
def whisper(engines: Engines) -> Iterator[Transcriber]:
    with engines.transcriber.use() as engine:
        yield engine


def words(heard: Transcription) -> str:
    text = " ".join(segment.text for segment in heard.segments)
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def test_it_hears_every_word_and_detects_the_language(whisper: Transcriber, jfk: Audio) -> None:
    heard = whisper.transcribe(jfk, options=TranscribeOptions())

    assert words(heard) == SPEECH
    assert heard.language == "en"
    assert 0.5 < heard.language_probability <= 1.0


def test_a_short_recording_is_heard_in_the_language_in_which_its_text_is_likelier(
    whisper: Transcriber, jfk: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guess(
        _: WhisperTranscriber, audio: Audio, spans: Sequence[SpeechSpan], among: Sequence[str] = ()
    ) -> tuple[str, float]:
        is_whole = spans[0].end - spans[0].start >= len(audio) / SAMPLE_RATE
        return ("en", 0.6) if is_whole else ("el", 0.7)

    monkeypatch.setattr(WhisperTranscriber, "_guess_language", guess)
    heard = whisper.transcribe(jfk, options=TranscribeOptions())

    assert (heard.language, heard.language_probability) == ("en", 0.6)
    assert words(heard) == SPEECH


def test_the_careful_tier_hears_every_word_too(whisper: Transcriber, jfk: Audio) -> None:
    assert words(whisper.transcribe(jfk, options=TranscribeOptions(language="en", tier="careful"))) == SPEECH


def test_a_recording_so_quiet_that_the_detector_is_deaf_to_it_is_heard(whisper: Transcriber, jfk: Audio) -> None:
    quiet = np.round(jfk * 0.001 * 32768).astype(np.float32) / np.float32(32768)

    heard = whisper.transcribe(quiet, options=TranscribeOptions(language="en"))

    assert find_speech(quiet) == ()
    assert "ask what you can do for your country" in words(heard)


def test_a_far_voice_after_a_near_one_is_heard_although_the_detector_is_deaf_to_it(
    whisper: Transcriber, jfk: Audio
) -> None:
    rng = np.random.default_rng(1)
    both = np.concatenate([at(jfk, 0), at(with_echoes(rng, jfk), -22)])
    both += room(rng, len(both), -44)

    heard = whisper.transcribe(both, options=TranscribeOptions(language="en"))
    only_clear = whisper.transcribe(both, options=TranscribeOptions(language="en", only_clear=True))

    near = len(jfk) / SAMPLE_RATE
    assert all(span.end <= near for span in find_speech(both))
    far = words(replace(heard, segments=tuple(one for one in heard.segments if one.start > near))).split()
    assert len(set(far) & set(SPEECH.split())) >= 8
    assert all(one.start <= near for one in only_clear.segments)
    assert heard.speech is not None
    assert heard.speech[-1].end > near
    assert only_clear.speech == find_speech(both)


def test_cut_in_a_silence_a_recording_loses_no_words_and_doubles_none(
    whisper: Transcriber, conversation: Audio
) -> None:
    options = TranscribeOptions(language="en")
    whole = words(whisper.transcribe(conversation, options=options)).split()
    speech = find_speech(conversation)
    pauses = sorted(pairwise(speech), key=lambda pair: pair[1].start - pair[0].end)
    for before, after in pauses[-2:]:
        cut = round((before.end + after.start) / 2 * SAMPLE_RATE)
        parts = [whisper.transcribe(part, options=options) for part in (conversation[:cut], conversation[cut:])]
        joined = " ".join(words(part) for part in parts).split()
        # The decoder hears a word or two otherwise with another context; a stretch lost or doubled is a hole.
        changes = SequenceMatcher(None, whole, joined, autojunk=False).get_opcodes()
        assert max(abs((i2 - i1) - (j2 - j1)) for _, i1, i2, j1, j2 in changes) <= 1
        assert SequenceMatcher(None, whole, joined, autojunk=False).ratio() > 0.95


def test_noise_is_not_taken_for_a_polite_farewell(whisper: Transcriber) -> None:
    noise = np.random.default_rng(5).normal(0, 0.05, 20 * SAMPLE_RATE).astype(np.float32)

    assert whisper.transcribe(noise, options=TranscribeOptions(language="en")).segments == ()


def test_words_lie_where_they_are_said(whisper: Transcriber, jfk: Audio) -> None:
    late = np.concatenate([np.zeros(20 * SAMPLE_RATE, dtype=np.float32), jfk])

    heard = whisper.transcribe(late, options=TranscribeOptions(language="en"))

    first, *_ = [word for segment in heard.segments for word in segment.words]
    country = [word for segment in heard.segments for word in segment.words if "country" in word.text.lower()]
    assert first.start == pytest.approx(20.3, abs=0.5)
    assert [word.end for word in country] == pytest.approx([25.5 + 0.8, 30.4], abs=1.0)


def test_a_language_it_does_not_know_is_refused_and_not_taken_for_another(whisper: Transcriber, jfk: Audio) -> None:
    with pytest.raises(errors.LanguageUnsupported, match="'tlh'"):
        whisper.transcribe(jfk, options=TranscribeOptions(language="tlh"))


def test_hotwords_and_prompt_are_taken(whisper: Transcriber, jfk: Audio) -> None:
    options = TranscribeOptions(language="en", initial_prompt="A speech.", hotwords=("Americans", "country"))

    assert "country" in words(whisper.transcribe(jfk, options=options))


def test_a_model_that_is_no_model_fails_as_an_engine(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (folder / name).write_bytes(b"{}")
    settings = Settings(data_dir=tmp_path, transcriber_model=str(folder))

    with pytest.raises(errors.EngineFailed):
        WhisperTranscriber(EngineId(name="faster-whisper", model="broken", version="0"), settings)
