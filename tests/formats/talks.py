"""A small transcript that has everything a format may have to write."""

from echoic.records import EngineId, Segment, Transcript, Word

TALK = Transcript(
    item_id=84217,
    title="Q3 — ACME",
    language="en",
    language_probability=0.98,
    duration_seconds=12.5,
    speakers=("Anna", "SPEAKER_01"),
    engine=EngineId(name="faster-whisper", model="base", version="1.2.1"),
    segments=(
        Segment(
            start=0.5,
            end=1.75,
            text="Is 3 < 4 & true?",
            speaker="Anna",
            confidence=0.91,
            no_speech_probability=0.02,
            compression_ratio=1.3,
            quality="repaired",
            words=(
                Word(text="Is", start=0.5, end=0.7, score=0.99, speaker="Anna"),
                Word(text="3 < 4", start=0.7, end=1.2, score=0.8),
            ),
        ),
        Segment(start=2.0, end=3.0, text="It  is.\n", speaker="Anna"),
        Segment(start=6.0, end=7.0, text="Good.", speaker="Anna"),
        Segment(start=7.0, end=8.0, text="<b>Fine</b> --> done", speaker="SPEAKER_01"),
        Segment(start=8.0, end=9.0, text="  "),
    ),
)
