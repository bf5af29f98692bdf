from itertools import pairwise

from hypothesis import given, strategies as st

from echoic.engines.heard import MAX_SEGMENT_SECONDS, HeardSegment, HeardWord, in_order, in_sentences, to_records

SECONDS = st.floats(min_value=-5.0, max_value=120.0)
WORDS = st.builds(
    HeardWord,
    text=st.sampled_from([" one", " two.", ",", " Mr.", "三", " ", ""]),
    start=SECONDS,
    end=SECONDS,
    probability=st.floats(min_value=0.0, max_value=1.0),
)


def segment(*words: HeardWord) -> HeardSegment:
    return HeardSegment(words=words, no_speech_probability=0.1, compression_ratio=1.2, mean_log_probability=-0.3)


def talk(text: str, *, seconds_per_word: float = 0.5, start: float = 0.0) -> HeardSegment:
    words = []
    for index, word in enumerate(text.split()):
        begin = start + index * seconds_per_word
        words.append(HeardWord(text=f" {word}", start=begin, end=begin + seconds_per_word, probability=0.8))
    return segment(*words)


def sentences(*segments: HeardSegment) -> list[str]:
    return [record.text for record in to_records(in_sentences(segments))]


@given(st.lists(st.lists(WORDS, max_size=6).map(lambda words: segment(*words)), max_size=5))
def test_whatever_the_decoder_says_words_come_out_in_order_within_their_segment_and_the_audio(
    segments: list[HeardSegment],
) -> None:
    records = to_records(in_sentences(in_order(segments, 60.0)))

    words = [word for record in records for word in record.words]
    assert all(0.0 <= word.start <= word.end <= 60.0 for word in words)
    assert all(before.end <= after.start for before, after in pairwise(words))
    for record in records:
        assert (record.start, record.end) == (record.words[0].start, record.words[-1].end)
        assert all(word.text == word.text.strip() != "" for word in record.words)
        position = 0
        for word in record.words:
            position = record.text.index(word.text, position) + len(word.text)


def test_a_window_of_several_sentences_becomes_a_segment_a_sentence() -> None:
    heard = talk("We should meet on the bridge. Nobody goes there at night! Will you come with me?")

    assert sentences(heard) == [
        "We should meet on the bridge.",
        "Nobody goes there at night!",
        "Will you come with me?",
    ]


def test_a_title_or_a_short_answer_does_not_end_a_segment() -> None:
    heard = talk("I was told that Mr. Hale went. Yes. He left in the morning.")

    assert sentences(heard) == ["I was told that Mr. Hale went.", "Yes. He left in the morning."]


def test_a_pause_ends_a_segment_within_a_sentence() -> None:
    words = (*talk("and then").words, *talk("silence", start=2.5).words)

    assert sentences(segment(*words)) == ["and then", "silence"]


def test_a_sentence_without_end_is_cut_after_a_clause() -> None:
    heard = talk(" ".join(["word"] * 24 + ["clause,"] + ["word"] * 30))

    parts = to_records(in_sentences([heard]))

    assert parts[0].text.endswith("clause,")
    assert all(part.end - part.start <= MAX_SEGMENT_SECONDS for part in parts)
    assert sum(len(part.words) for part in parts) == 55


def test_a_language_without_spaces_stays_without_spaces() -> None:
    heard = segment(
        *(
            HeardWord(text=text, start=index, end=index + 1, probability=0.8)
            for index, text in enumerate(["今", "日", "は"])
        )
    )

    (record,) = to_records([heard])

    assert record.text == "今日は"


def test_times_are_rounded_once_to_the_millisecond_and_confidence_is_the_mean_of_the_words() -> None:
    (record,) = to_records(
        [
            segment(
                HeardWord(text=" one", start=0.1234567, end=0.2, probability=0.5),
                HeardWord(text=" two", start=0.2, end=0.6666666, probability=1.0),
            )
        ]
    )

    assert (record.start, record.end) == (0.123, 0.667)
    assert record.confidence == 0.75
