"""Which stretches of a recording are taken to be in another language than the rest."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from echoic.engines.language_runs import WINDOW_SECONDS, find_language_runs, joined_runs, likeliest
from echoic.engines.protocols import TranscribeOptions, Transcriber
from echoic.engines.registry import Engines
from echoic.engines.whisper import WhisperTranscriber
from echoic.records import Audio, LanguageRun, SpeechSpan
from echoic.units import SAMPLE_RATE

Said = Sequence[tuple[float, float, str, float]]
"""Start, end, language and how sure the model is of it."""


def model(said: Said, asked: list[float] | None = None) -> Callable[[Sequence[SpeechSpan]], tuple[str, float]]:
    """A guess by what is said the longest; ``asked`` receives how many seconds it was asked about."""

    def guess(spans: Sequence[SpeechSpan]) -> tuple[str, float]:
        seconds: dict[tuple[str, float], float] = {}
        for span in spans:
            for start, end, language, probability in said:
                both = max(0.0, min(end, span.end) - max(start, span.start))
                seconds[language, probability] = seconds.get((language, probability), 0.0) + both
        if asked is not None:
            asked.append(sum(span.end - span.start for span in spans))
        return max(seconds, key=lambda key: seconds[key])

    return guess


def sentences(seconds: float, *, each: float = 3.0, pause: float = 0.5, start: float = 0.0) -> list[SpeechSpan]:
    count = int(seconds / (each + pause))
    return [SpeechSpan(start=start + n * (each + pause), end=start + n * (each + pause) + each) for n in range(count)]


def runs(said: Said, seconds: float, *, expected: str | None = None) -> list[tuple[float, str, bool]]:
    _, _, found = find_language_runs(sentences(seconds), seconds, model(said), expected=expected)
    assert found[0].start == 0
    assert found[-1].end == seconds
    assert all(before.end == after.start for before, after in pairwise(found))
    return [(round(run.start, 2), run.language, run.certain) for run in found]


def test_one_language_is_one_run() -> None:
    assert runs([(0, 900, "en", 0.95)], 900) == [(0, "en", True)]
    assert runs([(0, 20, "fr", 0.9)], 20) == [(0, "fr", True)]


def test_a_recording_that_changes_its_language_is_cut_at_the_pause_where_it_does() -> None:
    assert runs([(0, 17.5, "en", 0.97), (17.5, 40, "de", 0.9)], 40) == [(0, "en", True), (17.25, "de", True)]
    long = [(0, 240.0, "en", 0.97), (240.0, 600, "de", 0.9)]
    (first, second) = sorted(runs(long, 600))
    assert (first[1], second[1]) == ("en", "de")
    assert second[0] == pytest.approx(240, abs=4)


def test_a_stretch_in_the_middle_of_a_long_recording_is_found() -> None:
    found = runs([(0, 200, "en", 0.97), (200, 280, "es", 0.95), (280, 600, "en", 0.97)], 600)
    assert [language for _, language, _ in found] == ["en", "es", "en"]
    assert [start for start, _, _ in found[1:]] == pytest.approx([200, 280], abs=4)


def test_what_is_short_or_unsure_stays_in_the_language_that_is_the_rule() -> None:
    assert runs([(0, 28, "en", 0.97), (28, 31.5, "fr", 0.95), (31.5, 60, "en", 0.97)], 60) == [(0, "en", True)]
    assert runs([(0, 28, "en", 0.97), (28, 45, "la", 0.45), (45, 60, "en", 0.97)], 60) == [(0, "en", True)]


def test_what_is_not_clear_goes_with_what_is_said_around_it() -> None:
    said = [(0, 24, "en", 0.97), (24, 35, "de", 0.9), (35, 42, "yi", 0.5), (42, 55, "de", 0.9), (55, 60, "nl", 0.4)]
    _, _, found = find_language_runs(sentences(60), 60, model(said))
    assert [run.language for run in joined_runs(found)] == ["en", "de"]


def test_what_is_likely_but_not_clear_is_doubtful() -> None:
    found = runs([(0, 28, "en", 0.97), (28, 45, "de", 0.7), (45, 60, "en", 0.97)], 60)
    assert [(language, certain) for _, language, certain in found] == [("en", True), ("en", False), ("en", True)]


def test_a_recording_in_no_language_for_sure_is_doubtful_as_a_whole() -> None:
    assert runs([(0, 20, "cy", 0.3)], 20) == [(0, "cy", False)]


def test_guesses_that_are_likely_wrong_count_only_where_there_is_no_better_one() -> None:
    assert runs([(0, 38.5, "cy", 0.45), (38.5, 63, "en", 0.7)], 63) == [(0, "en", False)]
    assert runs([(0, 38.5, "cy", 0.45), (38.5, 63, "en", 0.4)], 63) == [(0, "cy", False)]


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ({"cy": 0.45, "en": 0.30, "de": 0.02}, ("en", 0.79)),
        ({"cy": 0.45, "en": 0.20, "de": 0.15}, ("en", 0.20 / 0.35)),
        ({"cy": 0.50, "en": 0.30}, ("cy", 0.50)),
        ({"en": 0.40, "cy": 0.30, "de": 0.10}, ("en", 0.79)),
        ({"cy": 0.45, "fr": 0.40}, ("cy", 0.45)),
        ({"cy": 0.45, "en": 0.0}, ("cy", 0.45)),
    ],
)
def test_a_weak_guess_is_one_of_the_languages_that_are_likely_and_never_clear(
    chances: dict[str, float], expected: tuple[str, float]
) -> None:
    language, probability = likeliest(chances.items(), ("de", "en"))
    assert language == expected[0]
    assert probability == pytest.approx(expected[1])
    assert likeliest(chances.items()) == max(chances.items(), key=lambda one: one[1])


def test_languages_that_models_mix_up_are_not_told_apart() -> None:
    assert runs([(0, 40, "no", 0.9), (40, 60, "nn", 0.9)], 60) == [(0, "no", True)]


def test_what_was_spoken_before_is_the_rule_and_another_language_is_heard_all_the_same() -> None:
    assert runs([(0, 20, "cy", 0.6)], 20, expected="en") == [(0, "en", False)]
    assert runs([(0, 20, "de", 0.9)], 20, expected="en") == [(0, "de", True)]


def test_a_long_recording_in_one_language_costs_one_guess_a_minute_of_speech() -> None:
    asked: list[float] = []
    speech = sentences(600)
    find_language_runs(speech, 600, model([(0, 600, "en", 0.95)], asked))
    assert len(asked) == round(sum(span.end - span.start for span in speech) / WINDOW_SECONDS / 2)


@given(
    st.lists(st.tuples(st.floats(0.1, 40), st.floats(0.01, 30)), min_size=1, max_size=40),
    st.lists(st.sampled_from(["en", "de", "fr"]), min_size=1, max_size=6),
)
def test_runs_cover_the_recording_without_gap(lengths: list[tuple[float, float]], languages: list[str]) -> None:
    speech, at = [], 0.0
    for length, pause in lengths:
        speech.append(SpeechSpan(start=at, end=at + length))
        at += length + pause
    said = [(n * 25.0, n * 25.0 + 25, language, 0.9) for n, language in enumerate(languages * 100)]
    _, _, found = find_language_runs(speech, at, model(said))
    assert found[0].start == 0
    assert found[-1].end == at
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(run.start < run.end for run in found)


@pytest.mark.models
def test_each_run_is_transcribed_in_its_language(engines: Engines, jfk: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    def guess(_: Transcriber, __: Audio, spans: Sequence[SpeechSpan], **___: object) -> tuple[str, float]:
        late = sum(span.end - span.start for span in spans if span.start > 14)
        return ("de" if late > sum(span.end - span.start for span in spans) / 2 else "en"), 0.99

    monkeypatch.setattr(WhisperTranscriber, "_guess_language", guess)
    pause = np.zeros(4 * SAMPLE_RATE, dtype=np.float32)
    with engines.transcriber.use() as whisper:
        heard = whisper.transcribe(np.concatenate([jfk, pause, jfk]), options=TranscribeOptions())
    assert [run.language for run in heard.languages] == ["en", "de"]
    assert heard.languages[0].end == pytest.approx(13, abs=1.5)
    early = [segment for segment in heard.segments if segment.start < 12]
    late = [segment for segment in heard.segments if segment.start > 14]
    assert len(early) + len(late) == len(heard.segments)
    assert {segment.language or heard.language for segment in early} == {"en"}
    assert {segment.language or heard.language for segment in late} == {"de"}
    assert {segment.language for segment in heard.segments} == {None, "en" if heard.language == "de" else "de"}
    assert "ask what you can do for your country" in " ".join(segment.text for segment in early).lower()
    told = TranscribeOptions(language="en")
    with engines.transcriber.use() as whisper:
        assert whisper.transcribe(jfk, options=told).languages == (
            LanguageRun(start=0.0, end=len(jfk) / SAMPLE_RATE, language="en"),
        )
