"""The account of speech without words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from echoic.engines.fake import FakeSpeechDetector, FakeTranscriber
from echoic.records import Audio, SpeechSpan, Transcription
from echoic.stages import transcribe
from echoic.stages.speech_account import MAX_STRETCHES_TOLD, account, speech_without_words
from echoic.units import SAMPLE_RATE
from tests.factories import segment
from tests.stages.conftest import MakeContext


class Detector(FakeSpeechDetector):
    """Hears faint speech from 10 to 12 s, where it is asked about it."""

    def detect_faint_speech(self, audio: Audio, stretches: Sequence[SpeechSpan]) -> tuple[SpeechSpan, ...]:
        faint = SpeechSpan(start=10.0, end=12.0)
        return (faint,) if any(stretch.start <= faint.start < stretch.end for stretch in stretches) else ()


def loud(*stretches: tuple[float, float], seconds: float = 15.0) -> Audio:
    audio = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    for start, end in stretches:
        audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 0.3
    return audio


def times(spans: Sequence[SpeechSpan]) -> list[tuple[float, float]]:
    return [(round(span.start, 1), round(span.end, 1)) for span in spans]


def test_speech_that_either_model_hears_and_no_word_covers_is_told() -> None:
    audio = loud((0, 3), (5, 8))
    whole = replace(segment("All of it."), start=0.0, end=3.0, words=())
    assert times(speech_without_words(Detector(), audio, [whole], only_clear=False)) == [(5, 8), (10, 12)]
    assert times(speech_without_words(Detector(), audio, [whole], only_clear=True)) == [(5, 8)]
    read = replace(whole, end=15.0)
    assert speech_without_words(Detector(), audio, [read], only_clear=False) == []


def test_neither_model_is_asked_about_speech_that_the_transcriber_has_heard() -> None:
    audio = loud((0, 3), (5, 8))
    whole = replace(segment("All of it."), start=0.0, end=3.0, words=())
    told = [SpeechSpan(start=1.0, end=2.0), SpeechSpan(start=12.0, end=14.0)]
    assert times(speech_without_words(Detector(), audio, [whole], only_clear=False, heard=told)) == [(12, 14)]
    assert speech_without_words(Detector(), audio, [whole], only_clear=False, heard=()) == []


def test_the_notice_has_the_seconds_and_the_longest_places_in_order() -> None:
    assert account([]) == []
    spans = [SpeechSpan(start=10.0 * n, end=10.0 * n + 2 + n) for n in range(MAX_STRETCHES_TOLD + 1)]
    (notice,) = account(spans)
    assert notice.code == "speech_unread"
    assert notice.detail["places"] == len(spans)
    assert notice.detail["seconds"] == sum(span.end - span.start for span in spans)
    assert notice.detail["stretches"] == [{"start": span.start, "end": span.end} for span in spans[1:]]
    assert "21 places" in notice.message
    assert "in one place" in account(spans[:1])[0].message


async def test_an_item_whose_speech_was_not_read_says_where(
    make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(_: FakeTranscriber, audio: Audio, **_options: object) -> Transcription:
        first = replace(segment("Good morning."), start=0.0, end=3.0, words=())
        return Transcription(segments=(first,), language="en", language_probability=1.0)

    monkeypatch.setattr(FakeTranscriber, "transcribe", deaf)
    context = await make_context((loud((0, 3), (5, 8)) * 32_767).astype("<i2").tobytes())
    (notice,) = (await transcribe.run(context)).notices
    assert (notice.code, notice.detail["places"]) == ("speech_unread", 1)
    assert notice.detail["seconds"] == pytest.approx(3.0, abs=0.1)


async def test_a_transcriber_that_tells_what_it_heard_is_believed(
    make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(_: FakeTranscriber, audio: Audio, **_options: object) -> Transcription:
        first = replace(segment("Good morning."), start=0.0, end=3.0, words=())
        heard = (SpeechSpan(start=0.0, end=3.0), SpeechSpan(start=9.0, end=11.0))
        return Transcription(segments=(first,), language="en", language_probability=1.0, speech=heard)

    monkeypatch.setattr(FakeTranscriber, "transcribe", told)
    context = await make_context((loud((0, 3), (5, 8)) * 32_767).astype("<i2").tobytes())
    (notice,) = (await transcribe.run(context)).notices
    assert notice.detail["stretches"] == [{"start": 9.0, "end": 11.0}]
