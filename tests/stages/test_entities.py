"""Where the names found in the running text are said: segment and times."""

from hypothesis import given, strategies as st

from echoic.db.transcripts.transcripts import Segment
from echoic.records import Span
from echoic.stages.entities import SEGMENT_GAP, locate


def segment(number: int, text: str, start: float) -> Segment:
    words = [
        {"text": word, "start": start + place, "end": start + place + 1.0, "score": 1.0, "speaker": None}
        for place, word in enumerate(text.split())
    ]
    return Segment(id=number, text=text, start=start, end=start + len(words), words=words)


def span(text: str, name: str) -> Span:
    at = text.index(name)
    return Span(start=at, end=at + len(name), text=name, type="person")


def test_a_name_gets_the_times_of_its_words() -> None:
    segments = [segment(1, "Good morning.", 0.0), segment(2, "I met Ada Lovelace, today.", 10.0)]
    text = SEGMENT_GAP.join(s.text for s in segments)
    (found,) = locate([span(text, "Ada Lovelace")], ["Ada Lovelace"], segments)
    assert (found.segment_id, found.start, found.end, found.name) == (2, 12.0, 14.0, "Ada Lovelace")


def test_a_name_split_between_two_segments_is_one_mention() -> None:
    segments = [segment(1, "It was Ada", 0.0), segment(2, "Lovelace again", 10.0)]
    text = SEGMENT_GAP.join(s.text for s in segments)
    (found,) = locate([span(text, "Ada Lovelace")], ["Ada Lovelace"], segments)
    assert (found.segment_id, found.start, found.end) == (1, 2.0, 11.0)


def test_a_segment_without_words_lends_its_own_times() -> None:
    bare = Segment(id=7, text="Ada spoke", start=3.0, end=5.0, words=[])
    (found,) = locate([span("Ada spoke", "Ada")], ["Ada"], [bare])
    assert (found.segment_id, found.start, found.end) == (7, 3.0, 5.0)


@given(st.lists(st.text(alphabet="abc ", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=6), st.data())
def test_every_span_over_words_is_located_within_the_recording(texts: list[str], data: st.DataObject) -> None:
    segments = [segment(number, text, 100.0 * number) for number, text in enumerate(texts)]
    text = SEGMENT_GAP.join(texts)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    if not text[start:end].strip():
        return
    (found,) = locate([Span(start=start, end=end, text=text[start:end], type="place")], ["name"], segments)
    assert found.start < found.end
    words = [word for s in segments for word in s.words]
    assert words[0]["start"] <= found.start
    assert found.end <= words[-1]["end"]
