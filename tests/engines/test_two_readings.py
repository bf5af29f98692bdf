"""Which passage of two readings stays."""

from echoic.engines.heard import HeardSegment, HeardWord
from echoic.engines.two_readings import choose_passages


def reading(*sentences: str, start: float = 0.0) -> list[HeardSegment]:
    """Segments of words that take a second each; ``word:0.4`` has that probability, others 0.9."""
    segments = []
    at = start
    for sentence in sentences:
        words = []
        for written in sentence.split():
            text, _, probability = written.partition(":")
            words.append(HeardWord(text=f" {text}", start=at, end=at + 1, probability=float(probability or 0.9)))
            at += 1
        segments.append(
            HeardSegment(
                words=tuple(words), no_speech_probability=0.0, compression_ratio=1.0, mean_log_probability=-0.2
            )
        )
    return segments


def text(segments: list[HeardSegment]) -> list[str]:
    return ["".join(word.text for word in segment.words).strip() for segment in segments]


def test_the_likelier_passage_stays() -> None:
    first = reading("my fellow America:0.5 asked:0.4 not what")
    second = reading("my fellow Americans, ask not what")
    (chosen,) = choose_passages(first, second)
    assert text([chosen]) == ["my fellow Americans, ask not what"]
    assert chosen.repaired
    assert text(choose_passages(second, first)) == ["my fellow Americans, ask not what"]
    assert not choose_passages(second, first)[0].repaired


def test_of_passages_that_are_as_likely_the_first_stays() -> None:
    assert text(choose_passages(reading("one two three"), reading("one too three"))) == ["one two three"]


def test_words_that_the_first_reading_alone_has_stay() -> None:
    assert text(choose_passages(reading("one two:0.3 three"), reading("one three"))) == ["one two three"]


def test_likely_words_that_the_second_reading_alone_has_are_added() -> None:
    first = reading("one two.", "five six.")
    assert text(choose_passages(first, reading("one two. three four five six."))) == [
        "one two. three four",
        "five six.",
    ]
    made_up = reading("one two. thanks:0.4 everybody:0.5 five six.")
    assert text(choose_passages(first, made_up)) == ["one two.", "five six."]


def test_signs_and_capitals_are_no_difference() -> None:
    assert text(choose_passages(reading("Well then"), reading("well, then."))) == ["Well then"]


def test_a_passage_over_two_segments_belongs_to_the_first_of_them() -> None:
    first = reading("one two:0.2", "three:0.2 four")
    chosen = choose_passages(first, reading("one too free four"))
    assert text(chosen) == ["one too free", "four"]
    assert [segment.repaired for segment in chosen] == [True, True]


def test_a_reading_without_words_gives_way() -> None:
    assert text(choose_passages([], reading("one"))) == ["one"]
    assert text(choose_passages(reading("one"), [])) == ["one"]
