"""A whole transcript as it may be shown."""

from dataclasses import replace

from hypothesis import given, settings, strategies as st

from echoic.notices import Notice
from echoic.records import Segment, Transcript, Word
from echoic.redaction.policy import DETECTED, Policy
from echoic.redaction.sound import without_spans
from echoic.redaction.transcripts import MUTED_AROUND_SECONDS, Heard, Redacted, redact
from tests.factories import segment

EVERYTHING = Policy(kinds=frozenset(DETECTED), words=("falcon",))
AROUND = MUTED_AROUND_SECONDS


def transcript(*segments: Segment, **more: object) -> Transcript:
    made = Transcript(item_id=1, title="Title", language="en", duration_seconds=100.0, segments=segments)
    return replace(made, **more)  # type: ignore[arg-type]


def shown(*segments: Segment, people: tuple[str, ...] = (), **more: object) -> Redacted:
    return redact(transcript(*segments, **more), EVERYTHING, people)


def muted(redacted: Redacted) -> list[tuple[float, float]]:
    return [(round(span.start, 3), round(span.end, 3)) for span in redacted.muted]


def test_words_of_a_span_become_one_with_their_times() -> None:
    found = shown(segment("Call 0171 555 2368, now", start=10.0))
    (one,) = found.transcript.segments
    assert one.text == "Call [PHONE], now"
    assert [(word.text, word.start, word.end) for word in one.words] == [
        ("Call", 10.0, 10.5),
        ("[PHONE],", 10.5, 12.0),
        ("now", 12.0, 12.5),
    ]
    assert muted(found) == [(10.5 - AROUND, 12.0 + AROUND)]
    assert found.counts == {"phone": 1}
    assert found.touched == {0}


def test_a_span_runs_over_the_border_of_segments() -> None:
    found = shown(segment("call 0171 55"), segment("52 368 now", start=10.0), segment("nothing", start=20.0))
    assert [one.text for one in found.transcript.segments] == ["call [PHONE]", "[PHONE] now", "nothing"]
    assert found.counts == {"phone": 1}
    assert muted(found) == [(0.5 - AROUND, 1.5 + AROUND), (10.0 - AROUND, 11.0 + AROUND)]


def test_one_word_may_hold_two_spans() -> None:
    found = shown(segment("Ada/Bob's a falcon"), people=("Ada", "Bob"))
    assert [word.text for word in found.transcript.segments[0].words] == ["[PERSON]/[PERSON]'s", "a", "[WORD]"]


def test_where_words_are_not_those_of_the_text_all_of_them_are_hidden() -> None:
    strange = replace(segment("call 0171 555 2368"), text="call me at 0171 555 2368 now")
    found = shown(strange)
    assert [word.text for word in found.transcript.segments[0].words] == ["call me at [PHONE] now"]
    assert muted(found) == [(0.0, strange.end + AROUND)]
    only_words = shown(replace(segment("call 0171 555 2368"), text="call me"))
    assert [word.text for word in only_words.transcript.segments[0].words] == ["call [PHONE]"]
    assert only_words.transcript.segments[0].text == "call [PHONE]"
    without = shown(replace(segment("call 0171 555 2368"), words=()))
    assert without.transcript.segments[0].words == ()
    assert len(without.muted) == 1


def test_names_and_written_labels_of_speakers_are_hidden() -> None:
    found = shown(
        segment("one", speaker="SPEAKER_00"),
        segment("two", speaker="Jane"),
        speakers=("SPEAKER_00", "Jane"),
        names={"SPEAKER_00": "Ada", "Jane": "Jane"},
    )
    assert found.transcript.speakers == ("SPEAKER_00", "HIDDEN_00")
    assert found.transcript.names == {}
    assert [(one.speaker, one.words[0].speaker) for one in found.transcript.segments] == [
        ("SPEAKER_00", "SPEAKER_00"),
        ("HIDDEN_00", "HIDDEN_00"),
    ]


def test_speech_that_no_word_covers_is_muted() -> None:
    stretches = [{"start": 5.0, "end": 7.5}]
    unread = Notice(code="speech_unread", message="Unread.", detail={"seconds": 2.5, "stretches": stretches})
    assert muted(shown(segment("hello"), notices=(unread,))) == [(5.0 - AROUND, 7.5 + AROUND)]


def test_what_people_took_out_of_the_text_is_muted() -> None:
    said = (segment("call 0171 555"), segment("2368 now", start=10.0), segment("thank you Ada", start=20.0))
    now = transcript(segment("call (a number)"), said[1], segment("thank you", start=20.0))
    found = redact(now, EVERYTHING, heard=Heard(segments=said, people=("Ada",)))
    assert [one.text for one in found.transcript.segments] == ["call (a number)", "2368 now", "thank you"]
    assert muted(found) == [
        (0.5 - AROUND, 1.5 + AROUND),
        (10.0 - AROUND, 10.5 + AROUND),
        (21.0 - AROUND, 21.5 + AROUND),
    ]
    assert found.counts == {}


def test_the_notice_says_what_was_hidden_and_what_was_not_found() -> None:
    assert "1 telephone number, 1 listed word." in shown(segment("0171 5552368 falcon")).transcript.notices[-1].message
    assert "Nothing is hidden" in shown(segment("hello")).transcript.notices[-1].message


def test_the_outline_is_flat_where_something_is_hidden() -> None:
    found = shown(segment("call 0171 555 2368 now", start=50.0))
    outline = without_spans(b"\x81\x7f" * 100, found.muted, 100.0)
    assert [place for place in range(100) if outline[2 * place : 2 * place + 2] == b"\0\0"] == [50, 51, 52]
    assert without_spans(b"\x81\x7f" * 100, found.muted, None) == bytes(200)


TEXTS = st.lists(
    st.sampled_from(
        [
            "hello",
            "zero",
            "one",
            "7",
            "0171",
            "555",
            "2368",
            "falcon,",
            "Falcon!",
            "a@b.org",
            "at",
            "dot",
            "com",
            "Ada",
            "Lovelace's",
            "4111",
        ]
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_words_stay_those_of_the_text_and_nothing_hidden_is_left(texts: list[list[str]]) -> None:
    before = [segment(" ".join(words), start=20.0 * place) for place, words in enumerate(texts)]
    found = shown(*before, people=("Ada Lovelace",))
    for old, new in zip(before, found.transcript.segments, strict=True):
        assert " ".join(word.text for word in new.words).split() == new.text.split()
        assert new.words[0].start == old.words[0].start
        assert new.words[-1].end == old.words[-1].end
        times = [time for word in new.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert not any(hidden in new.text.lower() for hidden in ("falcon", "ada", "lovelace", "@"))
    for old in before:
        for word in old.words:
            kept = any(word in new.words for new in found.transcript.segments)
            silent = any(span.start <= word.start and word.end <= span.end for span in found.muted)
            assert kept or silent, word


def test_what_is_hidden_nowhere_is_the_same_transcript() -> None:
    said = transcript(segment("nothing to hide"), segment("at all", start=5.0))
    assert redact(said, EVERYTHING).transcript.segments == said.segments


def test_a_word_without_text_is_no_border() -> None:
    odd = replace(segment("falcon here"), words=(Word(text="falcon", start=0, end=1, score=1), *segment("here").words))
    assert shown(odd).transcript.segments[0].text == "[WORD] here"
