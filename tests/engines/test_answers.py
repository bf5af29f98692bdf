"""Answers of several endpoints, as transcriptions that keep the engine's promises."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from echoic.engines.answers import to_transcription
from echoic.engines.languages import language_code
from echoic.records import Segment, SpeechSpan, Transcription

SPEECH = (SpeechSpan(start=1.0, end=3.0), SpeechSpan(start=4.0, end=9.0))


def transcription(answer: dict[str, Any], language: str | None = None) -> Transcription:
    return to_transcription(answer, speech=SPEECH, duration_seconds=10.0, language=language)


def times(segment: Segment) -> list[tuple[str, float, float]]:
    return [(word.text, word.start, word.end) for word in segment.words]


def test_bare_words_beside_the_segments_get_the_texts_marks_and_their_own_times() -> None:
    found = transcription(
        {
            "language": "english",
            "text": "Yes, sir! Three-fold - thanks.",
            "segments": [
                {"start": 0.0, "end": 2.5, "text": " Yes, sir!", "avg_logprob": -0.1, "no_speech_prob": 0.02},
                {"start": 3.0, "end": 6.0, "text": " Three-fold - thanks.", "avg_logprob": -0.7},
            ],
            "words": [
                {"word": "Yes", "start": 0.5, "end": 1.0},
                {"word": "sir", "start": 1.2, "end": 2.2},
                {"word": "Three", "start": 3.1, "end": 3.5},
                {"word": "fold", "start": 3.5, "end": 4.0},
                {"word": "thanks", "start": 5.0, "end": 5.5},
            ],
        }
    )

    assert [segment.text for segment in found.segments] == ["Yes, sir!", "Three-fold -", "thanks."]
    assert times(found.segments[0]) == [("Yes,", 0.5, 1.0), ("sir!", 1.2, 2.2)]
    assert times(found.segments[1]) == [("Three-fold -", 3.1, 4.0)]
    assert found.segments[0].confidence == pytest.approx(0.905)
    assert found.segments[0].no_speech_probability == 0.02
    assert found.segments[0].quality is None
    assert found.segments[1].no_speech_probability is None
    assert (found.language, found.language_probability) == ("en", 0.0)


def test_words_within_the_segments_keep_their_probabilities() -> None:
    words = [
        {"word": " Hello", "start": 1, "end": 1.5, "probability": 0.75},
        {"word": " there.", "start": 1.5, "end": 2},
    ]

    found = transcription(
        {"language": "en", "segments": [{"start": 1, "end": 2, "text": " Hello there.", "words": words}]}
    )

    assert [(word.text, word.score) for word in found.segments[0].words] == [("Hello", 0.75), ("there.", 1.0)]
    assert found.segments[0].confidence is None, "half of it is a guess"


def test_segments_without_words_have_theirs_spread_by_their_letters() -> None:
    found = transcription({"segments": [{"start": 2.0, "end": 4.0, "text": "ab abcdef"}]})

    assert times(found.segments[0]) == [("ab", 2.0, 2.5), ("abcdef", 2.5, 4.0)]
    assert found.segments[0].confidence is None


def test_a_text_alone_lies_where_somebody_speaks() -> None:
    found = transcription({"text": "One two."}, language="de")

    assert (found.segments[0].start, found.segments[0].end) == (1.0, 9.0)
    assert (found.language, found.language_probability) == ("de", 1.0)


def test_chinese_text_is_spread_character_by_character() -> None:
    found = transcription({"language": "chinese", "segments": [{"start": 0.0, "end": 4.0, "text": "你好，世界"}]})

    assert [word.text for word in found.segments[0].words] == ["你", "好，", "世", "界"]
    assert found.segments[0].text == "你好，世界"
    assert found.language == "zh"


def test_words_that_are_not_the_texts_are_kept_as_they_are_told() -> None:
    words = [{"word": "ten", "start": 0.0, "end": 0.5}, {"word": "percent", "start": 0.5, "end": 1.0}]

    found = transcription({"segments": [{"start": 0.0, "end": 1.0, "text": "10%"}], "words": words})

    assert found.segments[0].text == "ten percent"


@pytest.mark.parametrize(
    ("told", "code"), [("english", "en"), ("EN", "en"), ("en-US", "en"), ("zh", "zh"), ("klingon", None), (None, None)]
)
def test_languages_are_known_by_name_and_by_code(told: object, code: str | None) -> None:
    assert language_code(told) == code


_seconds = st.none() | st.floats(-2, 14)
_words = st.lists(
    st.fixed_dictionaries(
        {"word": st.sampled_from([" so", "so", " Many,", "words.", " ", "你好"])},
        optional={"start": _seconds, "end": _seconds, "probability": st.floats(0, 1)},
    ),
    max_size=6,
)
_segments = st.lists(
    st.fixed_dictionaries(
        {"text": st.sampled_from(["so many, words.", "", " ", "so so", "你好 Many"])},
        optional={"start": _seconds, "end": _seconds, "words": _words, "avg_logprob": st.floats(-9, 1)},
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(_segments, _words)
def test_whatever_is_told_words_follow_each_other_within_their_segments_and_the_audio(
    segments: list[dict[str, Any]], words: list[dict[str, Any]]
) -> None:
    found = transcription({"segments": segments, "words": words, "text": "so"})

    told = [word for segment in found.segments for word in segment.words]
    assert all(0 <= word.start <= word.end <= 10.0 for word in told)
    assert all(before.end <= after.start for before, after in pairwise(told))
    assert all(0 <= word.score <= 1 for word in told)
    for segment in found.segments:
        assert segment.words
        assert segment.start <= segment.words[0].start
        assert segment.words[-1].end <= segment.end
        assert segment.confidence is None or 0 <= segment.confidence <= 1


def test_aligned_words_of_whisperx_keep_their_scores_and_those_without_times_lie_between_the_others() -> None:
    # As WhisperX 3.8 answers after ``align``: numerals and what its aligner's alphabet lacks have no times, a segment
    # whose alignment failed has no timed word at all, and numbers may be numpy's.
    answer = {
        "language": "en",
        "language_probability": 0.98,
        "segments": [
            {
                "start": 0.5,
                "end": 4.0,
                "text": " We raised 40 million in 2023.",
                "avg_logprob": np.float32(-0.3),
                "words": [
                    {"word": "We", "start": 0.5, "end": 0.7, "score": np.float64(0.81)},
                    {"word": "raised", "start": 0.75, "end": 1.2, "score": 0.9},
                    {"word": "40"},
                    {"word": "million", "start": 2.0, "end": 2.5, "score": 0.95},
                    {"word": "in", "start": 2.6, "end": 2.7, "score": 0.5},
                    {"word": "2023."},
                ],
            },
            {"start": 5.0, "end": 6.0, "text": " 1, 2.", "words": [{"word": "1,"}, {"word": "2."}]},
        ],
        "word_segments": [],
    }

    found = transcription(answer)

    assert times(found.segments[0]) == [
        ("We", 0.5, 0.7),
        ("raised", 0.75, 1.2),
        ("40", 1.2, 2.0),
        ("million", 2.0, 2.5),
        ("in", 2.6, 2.7),
        ("2023.", 2.7, 4.0),
    ]
    assert [word.score for word in found.segments[0].words[:2]] == [0.81, 0.9]
    assert found.segments[0].words[2].score == pytest.approx(0.741)
    assert times(found.segments[1]) == [("1,", 5.0, 5.5), ("2.", 5.5, 6.0)]
    assert (found.language, found.language_probability) == ("en", 0.98)
