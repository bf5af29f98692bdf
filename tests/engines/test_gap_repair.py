from collections.abc import Sequence
from dataclasses import replace

import pytest

from echoic.engines.gap_repair import find_gaps, repair_gaps
from echoic.engines.heard import HeardSegment, HeardWord, in_order
from echoic.records import SpeechSpan


def word(text: str, start: float, end: float) -> HeardWord:
    return HeardWord(text=f" {text}", start=start, end=end, probability=0.9)


def segment(*words: HeardWord, log_probability: float = -0.3) -> HeardSegment:
    return HeardSegment(
        words=words, no_speech_probability=0.1, compression_ratio=1.2, mean_log_probability=log_probability
    )


def span(start: float, end: float) -> SpeechSpan:
    return SpeechSpan(start=start, end=end)


@pytest.mark.parametrize(
    ("words", "speech", "gaps"),
    [
        pytest.param([], [], [], id="silence"),
        pytest.param([], [(1, 5)], [(1, 5)], id="nothing was heard at all"),
        pytest.param([(1, 5)], [(1, 5)], [], id="everything was heard"),
        pytest.param([(1, 4)], [(1, 5.1)], [], id="a tail too short to matter"),
        pytest.param([(1, 4)], [(1, 5.3)], [(4, 5.3)], id="a lost tail"),
        pytest.param([(3, 5)], [(1, 5)], [(1, 3)], id="a lost beginning"),
        pytest.param([(1, 2), (2.7, 4)], [(1, 4)], [], id="words close together cover what is between"),
        pytest.param([(1, 2), (4, 5)], [(1, 5)], [(2, 4)], id="a hole in the middle"),
        pytest.param([(1, 2), (4, 5)], [(1, 2.1), (3.9, 5)], [], id="a hole where nobody speaks"),
        pytest.param([(4, 4.2)], [(1, 3), (3.5, 8)], [(1, 3), (4.2, 8)], id="two stretches"),
        pytest.param([(0, 10)], [(1, 2), (3, 9)], [], id="one long word over several stretches"),
    ],
)
def test_gaps_are_speech_without_words(
    words: Sequence[tuple[float, float]],
    speech: Sequence[tuple[float, float]],
    gaps: Sequence[tuple[float, float]],
) -> None:
    found = find_gaps([word("w", *times) for times in words], [span(*times) for times in speech])

    assert [(gap.start, gap.end) for gap in found] == gaps


def test_what_is_found_in_a_gap_is_put_between_the_segments() -> None:
    before, after = segment(word("one", 0, 1)), segment(word("four", 6, 7))
    found = segment(word("two", 2, 3), word("three", 3, 4))

    repaired = repair_gaps([before, after], [span(0, 7)], lambda _: [found])

    assert repaired == [before, replace(found, repaired=True), after]


def test_a_segment_with_words_on_both_sides_of_a_gap_is_cut_in_two() -> None:
    whole = segment(word("one", 0, 1), word("four", 6, 7))
    found = segment(word("two", 2, 3), word("three", 3, 4))

    repaired = repair_gaps([whole], [span(0, 7)], lambda _: [found])

    assert [[word.text.strip() for word in part.words] for part in repaired] == [["one"], ["two", "three"], ["four"]]


def test_what_the_decoder_is_unsure_of_is_dropped() -> None:
    heard = segment(word("one", 0, 1))
    noise = segment(word("Thank", 2, 3), log_probability=-1.3)
    speech = segment(word("two", 3, 4), log_probability=-1.1)

    repaired = repair_gaps([heard], [span(0, 5)], lambda _: [noise, speech])

    assert repaired == [heard, replace(speech, repaired=True)]


def test_only_the_gaps_are_decoded() -> None:
    asked: list[SpeechSpan] = []

    def decode(gap: SpeechSpan) -> list[HeardSegment]:
        asked.append(gap)
        return []

    repair_gaps([segment(word("one", 0, 1), word("two", 4, 5))], [span(0, 5), span(9, 12)], decode)

    assert asked == [span(1, 4), span(9, 12)]


def test_words_that_run_out_of_their_gap_are_pressed_into_it() -> None:
    before, after = segment(word("one", 0, 1)), segment(word("four", 6, 7))
    found = segment(word("two", 0.5, 3), word("three", 3, 8))

    repaired = repair_gaps([before, after], [span(0, 7)], lambda _: [found])

    assert repaired == in_order(repaired, 7.0)


def test_an_answer_without_words_changes_nothing() -> None:
    heard = segment(word("one", 0, 1))

    assert repair_gaps([heard], [span(0, 5)], lambda _: [segment()]) == [heard]
