import math
from itertools import pairwise

import numpy as np
import pytest

from echoic.engines.nemo.tokens import Token, compression_ratio, is_control, spread_over, to_words, told_probabilities
from echoic.engines.nemo.windows import cut_into_windows, in_speech
from echoic.records import SpeechSpan
from echoic.units import SAMPLE_RATE


def token(text: str, start: float, probability: float = 0.5) -> Token:
    return Token(text=text, start=start, probability=probability)


def span(start: float, end: float) -> SpeechSpan:
    return SpeechSpan(start=start, end=end)


def test_tokens_become_words_that_end_where_the_next_begins_or_soon_after_their_last_token() -> None:
    words = to_words([token(" Ku", 1.0), token("ber", 1.2), token(" is", 1.3), token(" up", 3.0)], end=3.1)

    assert [(word.text, word.start, word.end) for word in words] == [
        (" Kuber", 1.0, 1.3),
        (" is", 1.3, pytest.approx(1.62)),
        (" up", 3.0, 3.1),
    ]


def test_punctuation_belongs_to_the_word_before_it_and_neither_lengthens_it_nor_counts_for_its_probability() -> None:
    words = to_words([token(" Yes", 1.0, 0.8), token(".", 2.5, 0.1), token(" ?", 2.6), token(" No", 4.0)], end=9.0)

    assert [word.text for word in words] == [" Yes.?", " No"]
    assert words[0].end == pytest.approx(1.32)
    assert words[0].probability == 0.8


def test_a_space_alone_begins_the_word_that_follows_and_is_none_by_itself() -> None:
    words = to_words([token(" ", 0.5), token("5", 0.6), token("0%", 0.7), token(" ", 0.9)], end=2.0)

    assert [(word.text, word.start) for word in words] == [(" 50%", 0.6)]


def test_numbers_that_are_no_logarithms_of_probabilities_are_not_told() -> None:
    assert told_probabilities([0.0, math.log(0.5)], 2) == [1.0, 0.5]
    assert all(math.isnan(number) for number in told_probabilities([3.2, -1.0], 2))
    assert all(math.isnan(number) for number in told_probabilities(None, 3))


def test_marks_of_the_vocabulary_are_told_from_text() -> None:
    assert [is_control(text) for text in ("<unk>", " <|nospeech|>", " <", "a>b")] == [True, True, False, False]


def test_a_loop_packs_far_better_than_speech() -> None:
    said = "We met on Tuesday to talk about what the harbor needs before the winter storms set in again."

    assert compression_ratio(said) < 2.4 < compression_ratio("and then " * 30)


def test_words_without_times_are_placed_in_speech_and_never_across_a_pause() -> None:
    words = spread_over("aa bb cc dd", (span(1.0, 2.0), span(5.0, 6.0)), 0.9)

    assert [(word.start, word.end) for word in words] == [(1.0, 1.5), (1.5, 2.0), (5.0, 5.5), (5.5, 6.0)]
    assert "".join(word.text for word in words) == "aa bb cc dd"


def test_a_time_at_a_pause_ends_before_it_and_begins_after_it() -> None:
    assert list(in_speech((span(0.0, 1.0), span(3.0, 4.0)), [(0.0, 1.0), (1.0, 2.0)])) == [(0.0, 1.0), (3.0, 4.0)]


def test_windows_are_cut_at_pauses_and_hold_all_of_the_speech() -> None:
    speech = [span(0.0, 9.0), span(9.5, 19.0), span(21.0, 30.0), span(31.0, 33.0)]

    windows = cut_into_windows(np.zeros(33 * SAMPLE_RATE, dtype=np.float32), speech, 30.0)

    assert windows == [tuple(speech[:3]), tuple(speech[3:])]


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    audio = np.full(70 * SAMPLE_RATE, 0.1, dtype=np.float32)
    for seconds in (24.0, 47.0):
        audio[round(seconds * SAMPLE_RATE) : round((seconds + 0.2) * SAMPLE_RATE)] = 0.01

    windows = cut_into_windows(audio, [span(0.0, 70.0)], 30.0)

    ends = [window[-1].end for window in windows]
    assert ends[0] == pytest.approx(24.1, abs=0.2)
    assert ends[1] == pytest.approx(47.1, abs=0.2)
    assert ends[-1] == 70.0
    assert all(after[0].start == before[-1].end for before, after in pairwise(windows))
