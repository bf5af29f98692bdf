from dataclasses import replace

from echoic.engines.gap_repair import repair_gaps
from echoic.engines.heard import HeardSegment, HeardWord, in_order
from echoic.records import SpeechSpan


def word(text: str, start: float, end: float) -> HeardWord:
    return HeardWord(text=f" {text}", start=start, end=end, probability=0.9)


def segment(*words: HeardWord, log_probability: float = -0.3, no_speech: float = 0.1) -> HeardSegment:
    return HeardSegment(
        words=words, no_speech_probability=no_speech, compression_ratio=1.2, mean_log_probability=log_probability
    )


def span(start: float, end: float) -> SpeechSpan:
    return SpeechSpan(start=start, end=end)


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


def test_where_speech_is_not_beyond_doubt_only_likely_words_count() -> None:
    likely = segment(word("two", 2, 3))
    unlikely = segment(replace(word("Thank", 2, 3), probability=0.4))
    unheard = segment(word("Thank", 2, 3), no_speech=0.7)
    faint = [span(0, 5)]

    def texts(clear: SpeechSpan) -> list[HeardSegment]:
        return repair_gaps([], faint, lambda _: [likely, unlikely, unheard], clear=[clear])

    assert texts(span(0, 2)) == [replace(likely, repaired=True)]
    assert len(texts(span(0, 4))) == 3
