"""Which sentences are looked at again, and which text is kept."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from echoic.engines.heard import HeardSegment, HeardWord
from echoic.engines.second_look import LOOP_REPEATS, LOOP_WORDS, heard_otherwise, is_doubtful, is_loop, look_again
from echoic.records import LanguageRun, SpeechSpan

ALL_SPEECH = (SpeechSpan(start=0.0, end=100.0),)


def sentence(text: str, *, start: float = 0.0, probability: float = 0.9, no_speech: float = 0.0) -> HeardSegment:
    words = tuple(
        HeardWord(text=f" {word}", start=start + n * 0.5, end=start + n * 0.5 + 0.5, probability=probability)
        for n, word in enumerate(text.split())
    )
    return HeardSegment(words=words, no_speech_probability=no_speech, compression_ratio=1.2, mean_log_probability=-0.3)


def look(
    *sentences: HeardSegment,
    speech: tuple[SpeechSpan, ...] = ALL_SPEECH,
    again: tuple[HeardSegment, ...] = (),
    spans: list[SpeechSpan] | None = None,
) -> list[tuple[str, str]]:
    """Text and mark of what is kept; ``spans`` receives what is decoded again."""

    def decode(span: SpeechSpan) -> tuple[HeardSegment, ...]:
        if spans is not None:
            spans.append(span)
        return again

    return [
        (
            "".join(word.text for word in kept.words).strip(),
            "doubtful" if kept.doubtful else "repaired" if kept.repaired else "ok",
        )
        for kept in look_again(sentences, speech, 100.0, decode)
    ]


def test_what_was_heard_well_is_not_looked_at_again() -> None:
    spans: list[SpeechSpan] = []
    assert look(sentence("Good morning."), spans=spans) == [("Good morning.", "ok")]
    assert spans == []


def test_a_clearly_better_text_takes_the_place_of_a_doubtful_one() -> None:
    doubtful = sentence("Hello bat", probability=0.3)
    assert look(doubtful, again=(sentence("Hello Bert", probability=0.8),)) == [("Hello Bert", "repaired")]
    assert look(doubtful, again=(sentence("Mellow", probability=0.4),)) == [("Mellow", "doubtful")]
    assert look(doubtful, again=(sentence("Yellow", probability=0.34),)) == [("Hello bat", "doubtful")]


def test_where_the_second_decoding_finds_nothing_only_what_nobody_is_likely_to_have_said_is_dropped() -> None:
    assert look(sentence("Thank you.", probability=0.3, no_speech=0.8)) == []
    assert look(sentence("Thank you.", probability=0.3, no_speech=0.2)) == [("Thank you.", "doubtful")]
    elsewhere = (SpeechSpan(start=50.0, end=60.0),)
    assert look(sentence("Thank you."), speech=elsewhere) == []


def test_a_sentence_is_decoded_again_with_a_margin_that_leaves_its_neighbors_alone() -> None:
    spans: list[SpeechSpan] = []
    look(
        sentence("Before", start=10.0),
        sentence("Doubtful", start=10.6, probability=0.2),
        sentence("After", start=20.0),
        spans=spans,
    )
    ((start, end),) = [(span.start, span.end) for span in spans]
    assert (start, end) == pytest.approx((10.5, 11.3))


def test_the_loops_decoders_fall_into_are_found_and_speech_that_repeats_itself_is_not() -> None:
    assert is_loop(["no"] * LOOP_REPEATS)
    assert is_loop(["and", "so", "on", "and", "so", "on", "and", "so", "on", "and", "so", "on"])
    assert not is_loop(["no", "no", "no", "I", "said", "no", "no", "no"])
    assert not is_loop(["the", "more", "the", "merrier", "the", "more", "the", "better"])
    assert is_doubtful(sentence("you know you know you know you know"), ALL_SPEECH)


@given(
    st.lists(st.sampled_from("abc"), max_size=12),
    st.lists(st.sampled_from("xyz"), min_size=1, max_size=LOOP_WORDS),
    st.lists(st.sampled_from("abc"), max_size=12),
)
def test_a_loop_is_found_wherever_it_stands(before: list[str], part: list[str], after: list[str]) -> None:
    assert is_loop([*before, *part * LOOP_REPEATS, *after])


@given(st.lists(st.text("ab", min_size=1, max_size=1), max_size=16))
def test_what_is_called_a_loop_repeats_itself(words: list[str]) -> None:
    repeats = any(
        words[first : first + length] * LOOP_REPEATS == words[first : first + length * LOOP_REPEATS]
        for length in range(1, LOOP_WORDS + 1)
        for first in range(len(words) - length * LOOP_REPEATS + 1)
    )
    assert is_loop(words) == repeats


def test_a_doubtful_word_far_from_all_others_that_nobody_hears_again_is_dropped() -> None:
    you, talk = sentence("you", probability=0.3), sentence("But like her", start=36.0)
    assert look(you, talk) == [("But like her", "ok")]
    assert look(you, sentence("But like her", start=4.0)) == [("you", "doubtful"), ("But like her", "ok")]
    assert look(talk, sentence("you", start=80.0, probability=0.3)) == [("But like her", "ok")]
    assert look(you) == [("you", "doubtful")]
    assert look(you, talk, again=(sentence("Yes", probability=0.8),))[0] == ("Yes", "repaired")


def stretched(text: str, word: int, seconds: float) -> HeardSegment:
    """A sentence in which one word takes so long."""
    before = sentence(text)
    words = [
        replace(each, start=each.start + (n > word) * seconds, end=each.end + (n >= word) * seconds)
        for n, each in enumerate(before.words)
    ]
    return replace(before, words=tuple(words))


def test_a_word_stretched_over_speech_is_decoded_again_for_the_words_that_were_skipped() -> None:
    skipped = stretched("Margaret said this.", 1, 2.5)
    again = (sentence("Surely it is known."), sentence("Margaret said this.", start=2.5))
    assert look(skipped, again=again) == [("Surely it is known.", "repaired"), ("Margaret said this.", "repaired")]


@pytest.mark.parametrize(
    "again",
    [
        (),
        (sentence("Margaret said."),),
        (sentence("Surely it is known, she said.", probability=0.3),),
        (stretched("Surely Margaret said this.", 2, 2.5),),
    ],
    ids=["nothing", "fewer words", "unlikely words", "stretched as well"],
)
def test_a_second_text_that_is_not_fuller_and_without_fault_is_not_taken(again: tuple[HeardSegment, ...]) -> None:
    assert look(stretched("Margaret said this.", 1, 2.5), again=again) == [("Margaret said this.", "ok")]


def test_long_numbers_pauses_and_drawn_out_words_are_left_alone() -> None:
    spans: list[SpeechSpan] = []
    pause = (SpeechSpan(start=0.0, end=0.9), SpeechSpan(start=3.0, end=4.5))
    look(stretched("Call 0171234567 now.", 1, 2.5), spans=spans)
    look(stretched("Margaret said this.", 1, 2.5), speech=pause, spans=spans)
    look(stretched("Margaret said this.", 1, 1.4), spans=spans)
    assert spans == []


UNCERTAIN = LanguageRun(start=10.0, end=20.0, language="ja", certain=False)


def otherwise(*sentences: HeardSegment, again: Sequence[HeardSegment]) -> list[tuple[str, str | None]]:
    kept = heard_otherwise(sentences, UNCERTAIN, [replace(each, language="en") for each in again], ALL_SPEECH)
    return [("".join(word.text for word in each.words).strip(), each.language) for each in kept]


def test_a_stretch_in_an_uncertain_language_is_kept_in_the_one_in_which_it_reads_better() -> None:
    before, after = sentence("Before.", start=8.0), sentence("After.", start=21.0)
    again = [sentence("Moses was afraid.", start=11.0)]
    better = [("Before.", None), ("Moses was afraid.", "en"), ("After.", None)]
    assert otherwise(before, after, again=again) == better
    assert otherwise(before, sentence("moze", start=11.0, probability=0.4), after, again=again) == better
    assert otherwise(sentence("moze", start=11.0), again=again) == [("moze", None)]
    assert otherwise(before, after, again=[sentence("Moses", start=11.0, probability=0.4)]) == [
        *better[:1],
        *better[2:],
    ]
    assert otherwise(before, again=[]) == [("Before.", None)]
