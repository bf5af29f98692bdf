"""What every transcriber does. The recordings are short: the real one runs in every build."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from echoic.engines.fake import FakeTranscriber
from echoic.engines.protocols import TranscribeOptions, Transcriber
from echoic.engines.registry import Engines
from echoic.engines.remote.transcriber import RemoteTranscriber
from echoic.records import UNKNOWN_LANGUAGE, Audio, EngineId, Transcription
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE
from tests.engines.nemo import tiny
from tests.engines.remote.endpoint import heard, serving
from tests.engines.whisperx.stand_in import Library, install, load_whisperx

ENGLISH = TranscribeOptions(language="en")
REMOTE = EngineId(name="openai", model="heard", version="1")


@pytest.fixture(
    params=["fake", "remote", "whisperx", "parakeet", "canary", pytest.param("real", marks=pytest.mark.models)],
    scope="module",
)
def transcriber(request: pytest.FixtureRequest) -> Iterator[Transcriber]:
    if request.param == "fake":
        yield FakeTranscriber()
    elif request.param == "remote":
        with serving(heard) as endpoint:
            transcriber = RemoteTranscriber(REMOTE, Settings(_env_file=None, openai_base_url=endpoint.url))
            yield transcriber
            transcriber.close()
    elif request.param == "whisperx":
        folder = request.getfixturevalue("tmp_path_factory").mktemp("whisperx")
        with pytest.MonkeyPatch.context() as patch:
            install(Library(), patch)
            whisperx = load_whisperx(folder)
            yield whisperx
            whisperx.close()
    elif request.param in ("parakeet", "canary"):
        folder = request.getfixturevalue("tmp_path_factory").mktemp(request.param)
        write = tiny.write_tdt if request.param == "parakeet" else tiny.write_aed
        nemo = tiny.load(write(folder / "model"), folder)
        yield nemo
        nemo.close()
    else:
        engines: Engines = request.getfixturevalue("engines")
        with engines.transcriber.use() as engine:
            yield engine


@pytest.fixture(scope="module")
def said(transcriber: Transcriber, jfk: Audio) -> Transcription:
    return transcriber.transcribe(jfk, options=ENGLISH)


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


def check_times(transcription: Transcription, audio: Audio) -> None:
    words = [word for segment in transcription.segments for word in segment.words]
    assert all(0 <= word.start <= word.end <= len(audio) / SAMPLE_RATE for word in words)
    assert all(before.end <= after.start for before, after in pairwise(words))
    for segment in transcription.segments:
        assert segment.words
        assert segment.start <= segment.words[0].start
        assert segment.words[-1].end <= segment.end
    times = [time for word in words for time in (word.start, word.end)]
    assert times == [round(time, 3) for time in times]


def test_speech_becomes_words_in_order_within_their_segments_and_the_audio(said: Transcription, jfk: Audio) -> None:
    assert sum(len(segment.words) for segment in said.segments) >= 8
    check_times(said, jfk)


def test_a_segments_text_is_made_of_its_words(said: Transcription) -> None:
    for segment in said.segments:
        position = 0
        for word in segment.words:
            assert word.text == word.text.strip() != ""
            position = segment.text.index(word.text, position) + len(word.text)


def test_segments_and_words_say_how_sure_the_engine_is(said: Transcription) -> None:
    for segment in said.segments:
        assert segment.confidence is not None
        assert 0 < segment.confidence <= 1
        assert all(0 <= word.score <= 1 for word in segment.words)


def test_audio_that_ends_within_a_word_has_no_word_beyond_its_end(transcriber: Transcriber, jfk: Audio) -> None:
    cut = jfk[: round(8.1 * SAMPLE_RATE)]

    check_times(transcriber.transcribe(cut, options=ENGLISH), cut)


def test_silence_says_nothing_and_its_language_stays_unknown(transcriber: Transcriber) -> None:
    heard = transcriber.transcribe(silence(5.0), options=TranscribeOptions())

    assert heard == Transcription(segments=(), language=UNKNOWN_LANGUAGE, language_probability=0.0)


def test_no_audio_at_all_says_nothing(transcriber: Transcriber) -> None:
    assert transcriber.transcribe(silence(0.0), options=TranscribeOptions()).segments == ()


def test_a_language_that_is_given_is_kept(transcriber: Transcriber, said: Transcription) -> None:
    quiet = transcriber.transcribe(silence(1.0), options=TranscribeOptions(language="de"))

    assert (said.language, said.language_probability) == ("en", 1.0)
    assert (quiet.language, quiet.language_probability) == ("de", 1.0)


def test_progress_rises_to_the_length_of_the_audio(transcriber: Transcriber, jfk: Audio) -> None:
    seconds: list[float] = []

    transcriber.transcribe(jfk, options=ENGLISH, on_progress=seconds.append)

    assert seconds == sorted(seconds)
    assert seconds[-1] == len(jfk) / SAMPLE_RATE


class Stop(Exception):
    """Raised by who is told of progress."""


def test_what_progress_raises_ends_the_transcription_and_reaches_the_caller(
    transcriber: Transcriber, jfk: Audio
) -> None:
    def stop(_: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        transcriber.transcribe(jfk, options=ENGLISH, on_progress=stop)


def test_the_same_audio_gives_the_same_words_also_for_two_threads_at_once(
    transcriber: Transcriber, said: Transcription, jfk: Audio
) -> None:
    heard: list[Transcription] = []
    threads = [
        threading.Thread(target=lambda: heard.append(transcriber.transcribe(jfk, options=ENGLISH))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert heard == [said, said]


def test_the_samples_it_is_given_stay_as_they_are(transcriber: Transcriber, jfk: Audio) -> None:
    before = jfk[: 3 * SAMPLE_RATE].copy()
    given = before.copy()

    transcriber.transcribe(given, options=ENGLISH)

    assert np.array_equal(given, before)
