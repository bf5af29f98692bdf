"""The speech detector that does not get used to what it hears, and what the transcriber makes of talk after other sounds."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from echoic.engines.protocols import TranscribeOptions, Transcriber
from echoic.engines.registry import Engines
from echoic.engines.silero import AFRESH_FRAMES, CLICK_FRAMES, FRAME_SAMPLES, RUN_UP_FRAMES, SteadyModel, find_speech
from echoic.records import Audio, Transcription
from echoic.units import SAMPLE_RATE

SPEECH = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"


def music(seconds: float) -> Audio:
    """Plucked notes over a beat; nobody sings."""
    random = np.random.default_rng(3)
    out = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    for start in np.arange(0, seconds - 1, 0.25):
        hertz = random.choice([220, 261.6, 329.6, 392, 440, 523.2, 349.2, 293.7]) * random.choice([0.5, 1, 1, 2])
        length = random.choice([0.25, 0.5, 1.0])
        time = np.arange(round(length * 1.5 * SAMPLE_RATE)) / SAMPLE_RATE
        note = sum(part * np.sin(2 * np.pi * hertz * order * time) for order, part in ((1, 1.0), (2, 0.4), (3, 0.2)))
        _add(out, start, 0.18 * np.exp(-3 * time / length) * note)
    for beat in np.arange(0, seconds - 1, 0.5):
        time = np.arange(round(0.06 * SAMPLE_RATE)) / SAMPLE_RATE
        _add(out, beat, 0.25 * np.exp(-60 * time) * random.uniform(-1, 1, len(time)))
    return np.asarray(out / np.abs(out).max() * 0.6, dtype=np.float32)


def applause(seconds: float) -> Audio:
    random = np.random.default_rng(4)
    out = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    for start in random.uniform(0, seconds - 0.1, round(seconds * 120)):
        _add(out, start, random.normal(0, 0.2, 800) * np.exp(-np.arange(800) / 120))
    return np.clip(out, -0.9, 0.9)


def tone(seconds: float) -> Audio:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def noise(seconds: float) -> Audio:
    return np.random.default_rng(5).normal(0, 0.05, round(seconds * SAMPLE_RATE)).astype(np.float32)


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


def _add(out: Audio, start: float, sound: NDArray[np.floating]) -> None:
    at = round(start * SAMPLE_RATE)
    part = sound[: len(out) - at]
    out[at : at + len(part)] += part.astype(np.float32)


BEFORE = {
    "music": music(35),
    "a jingle": music(6),
    "a tone": tone(30),
    "noise": noise(30),
    "silence": silence(40),
    "applause": applause(15),
}


@pytest.fixture(scope="module")
def whisper(engines: Engines) -> Iterator[Transcriber]:
    with engines.transcriber.use() as engine:
        yield engine


def words(heard: Transcription) -> str:
    return " ".join(re.findall(r"[a-z']+", " ".join(segment.text for segment in heard.segments).lower()))


@pytest.mark.models
@pytest.mark.parametrize("before", BEFORE)
def test_speech_begins_where_somebody_speaks_whatever_was_heard_before(jfk: Audio, before: str) -> None:
    lead = len(BEFORE[before]) / SAMPLE_RATE
    spans = find_speech(np.concatenate([BEFORE[before], jfk]))
    assert lead - 0.5 < spans[0].start < lead + 0.7
    assert 6 < sum(span.end - span.start for span in spans) < 10


@pytest.mark.models
@pytest.mark.parametrize("before", ["music", "a jingle", "a tone", "applause"])
def test_talk_after_another_sound_is_the_same_talk_later(whisper: Transcriber, jfk: Audio, before: str) -> None:
    lead = len(BEFORE[before]) / SAMPLE_RATE
    heard = whisper.transcribe(np.concatenate([BEFORE[before], jfk]), options=TranscribeOptions(language="en"))
    assert words(heard) == SPEECH
    assert heard.segments[0].words[0].start == pytest.approx(lead + 0.2, abs=0.5)


@pytest.mark.models
def test_a_jingle_between_two_talks_costs_no_word(whisper: Transcriber, jfk: Audio, conversation: Audio) -> None:
    cut = next(span.end for span in find_speech(conversation) if span.end > 8)
    other = conversation[: round(cut * SAMPLE_RATE)]
    options = TranscribeOptions(language="en")
    heard = whisper.transcribe(np.concatenate([jfk, music(8), other]), options=options)
    said, expected = words(heard).split(), f"{SPEECH} {words(whisper.transcribe(other, options=options))}".split()
    # The decoder hears a word or two otherwise with another context.
    begun = len(SPEECH.split()) + 2
    assert said[:begun] == expected[:begun]
    assert abs(len(said) - len(expected)) <= 2
    end = len(jfk) / SAMPLE_RATE
    assert not [word for segment in heard.segments for word in segment.words if end + 0.5 < word.start < end + 7.5]


@pytest.mark.models
def test_music_alone_is_no_speech() -> None:
    assert find_speech(music(40)) == ()


class Forgetful:
    """Hears speech in loud frames, less the more frames it has heard; writes into what it is given, as the library does."""

    def __init__(self) -> None:
        self.frames = 0

    def __call__(self, audio: Audio) -> Audio:
        frames = audio.reshape(-1, FRAME_SAMPLES)
        self.frames += len(frames)
        heard = frames.max(axis=1) * 0.99 ** np.arange(len(frames))
        audio[-64:] = 0
        return np.asarray(heard, dtype=np.float32)


@pytest.mark.parametrize(
    "frames",
    [CLICK_FRAMES + 1, RUN_UP_FRAMES, RUN_UP_FRAMES + 1, AFRESH_FRAMES, AFRESH_FRAMES + 1, 3 * AFRESH_FRAMES - 1],
)
def test_every_frame_has_a_probability_and_none_is_forgotten(frames: int) -> None:
    audio = np.ones(frames * FRAME_SAMPLES, dtype=np.float32)
    heard = SteadyModel(Forgetful())(audio)
    assert heard.shape == (frames,)
    assert heard.min() >= 0.99 ** (AFRESH_FRAMES + RUN_UP_FRAMES)
    assert audio.min() == 1


@pytest.mark.parametrize("frames", [1, 2, CLICK_FRAMES])
def test_a_click_is_no_speech(frames: int) -> None:
    audio = np.zeros(300 * FRAME_SAMPLES, dtype=np.float32)
    audio[200 * FRAME_SAMPLES : (200 + frames) * FRAME_SAMPLES] = 1.0
    assert SteadyModel(Forgetful())(audio).max() == 0
    audio[212 * FRAME_SAMPLES : 225 * FRAME_SAMPLES] = 1.0
    assert SteadyModel(Forgetful())(audio)[200] > 0


def test_the_same_audio_is_heard_once_and_other_audio_again() -> None:
    model = Forgetful()
    steady = SteadyModel(model)
    audio = np.ones(10 * FRAME_SAMPLES, dtype=np.float32)
    first = steady(audio)
    first[:] = 0
    heard_frames = model.frames
    assert steady(audio.copy()).min() > 0
    assert model.frames == heard_frames
    steady(audio * np.float32(0.5))
    assert model.frames == 2 * heard_frames
