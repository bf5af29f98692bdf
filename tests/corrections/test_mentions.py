"""Which names a correction leaves named."""

from echoic.corrections.mentions import still_named
from echoic.records import Segment, Word


def test_a_name_whose_words_have_no_length_is_still_named_when_something_else_is_corrected() -> None:
    times = [("Hello", 0.0, 1.0), ("New", 1.0, 1.0), ("York", 1.0, 1.4), ("Anna", 2.0, 2.0), ("bye", 3.0, 3.5)]
    words = tuple(Word(text=text, start=start, end=end, score=1.0) for text, start, end in times)
    said = [Segment(start=0.0, end=3.5, text="Hello New York Anna bye", words=words)]
    assert still_named("New York", start=1.0, end=1.4, segments=said)
    assert still_named("Anna", start=2.0, end=2.0, segments=said)
    assert not still_named("Anna", start=3.0, end=3.5, segments=said)
    assert not still_named("bye", start=2.0, end=2.0, segments=said)
