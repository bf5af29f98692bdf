from collections.abc import Sequence

import pytest

from echoic.records import SpeechSpan, Word
from echoic.text.coverage import joined_speech, unread_speech


def spans(*times: tuple[float, float]) -> list[SpeechSpan]:
    return [SpeechSpan(start=start, end=end) for start, end in times]


def words(*times: tuple[float, float]) -> list[Word]:
    """Words that follow each other within each stretch, half a second each."""
    return [
        Word(text="w", start=start + n / 2, end=min(end, start + (n + 1) / 2), score=1.0)
        for start, end in times
        for n in range(int((end - start) * 2 + 0.99))
    ]


@pytest.mark.parametrize(
    ("read", "speech", "unread"),
    [
        pytest.param([], [], [], id="silence"),
        pytest.param([], [(1, 5)], [(1, 5)], id="nothing was read at all"),
        pytest.param([(1, 5)], [(1, 5)], [], id="everything was read"),
        pytest.param([(1, 4)], [(1, 5.1)], [], id="a tail too short to matter"),
        pytest.param([(1, 4)], [(1, 5.3)], [(4, 5.3)], id="a lost tail"),
        pytest.param([(3, 5)], [(1, 5)], [(1, 3)], id="a lost beginning"),
        pytest.param([(1, 2), (2.7, 4)], [(1, 4)], [], id="words close together cover the time between"),
        pytest.param([(1, 2), (4, 5)], [(1, 5)], [(2, 4)], id="a hole in the middle"),
        pytest.param([(1, 2), (4, 5)], [(1, 2.1), (3.9, 5)], [], id="a hole where nobody speaks"),
        pytest.param([(4, 4.2)], [(1, 3), (3.5, 8)], [(1, 3), (4.2, 8)], id="two stretches"),
    ],
)
def test_speech_is_unread_where_no_word_is(
    read: Sequence[tuple[float, float]], speech: Sequence[tuple[float, float]], unread: Sequence[tuple[float, float]]
) -> None:
    found = unread_speech(words(*read), spans(*speech))

    assert [(span.start, span.end) for span in found] == unread


def test_a_word_covers_no_more_than_a_word_can_and_a_number_all_that_it_has() -> None:
    (stretched,) = unread_speech([Word(text="don't", start=1.0, end=7.8, score=0.9)], spans((1, 8)))
    assert (stretched.start, stretched.end) == (2.0, 8.0)
    assert unread_speech([Word(text="0171234567", start=1.0, end=7.8, score=0.9)], spans((1, 8))) == []


def test_a_text_without_words_covers_all_of_its_time() -> None:
    texts = [Word(text="All of it.", start=4.0, end=9.0, score=1.0)]
    read = words((0, 2), (12, 14))
    assert unread_speech(read, spans((0, 14)), wordless=texts) == spans((2, 4), (9, 12))
    assert unread_speech([], spans((5, 8)), wordless=texts) == []


def test_speech_of_two_detectors_is_joined_where_it_overlaps_or_touches() -> None:
    assert joined_speech(spans((1, 3), (8, 9)), spans((2, 4), (4, 5), (6, 7))) == spans((1, 5), (6, 7), (8, 9))
    assert joined_speech(spans((1, 9)), spans((2, 3))) == spans((1, 9))
    assert joined_speech([], []) == []
