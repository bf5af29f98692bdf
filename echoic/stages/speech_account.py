"""The account of speech: where somebody speaks and the transcript has no words, and the notice that says so."""

from collections.abc import Sequence

from echoic.engines.protocols import SpeechDetector
from echoic.notices import Notice
from echoic.records import Audio, Segment, SpeechSpan
from echoic.text.coverage import joined_speech, unread_speech
from echoic.units import SAMPLE_RATE

MAX_STRETCHES_TOLD = 20
"""The most stretches that a notice lists."""


def speech_without_words(
    detector: SpeechDetector,
    audio: Audio,
    segments: Sequence[Segment],
    *,
    only_clear: bool,
    heard: Sequence[SpeechSpan] | None = None,
) -> list[SpeechSpan]:
    """Return the speech that either model hears and no word covers; times count from the start of the audio.

    With ``only_clear`` the second model is not asked: it hears what another channel whispers into this one. Neither is
    asked again about speech that the transcriber has ``heard``.
    """
    words = [word for segment in segments for word in segment.words]
    wordless = [segment for segment in segments if not segment.words]

    def unread(speech: Sequence[SpeechSpan]) -> list[SpeechSpan]:
        return unread_speech(words, speech, wordless=wordless)

    if heard is not None:
        return unread(heard)
    clear = detector.detect_speech(audio)
    if only_clear:
        return unread(clear)
    silent = unread([SpeechSpan(start=0.0, end=len(audio) / SAMPLE_RATE)])
    return unread(joined_speech(clear, detector.detect_faint_speech(audio, silent)))


def account(unread: Sequence[SpeechSpan]) -> list[Notice]:
    """Return the notice of speech without words, none if all was read."""
    if not unread:
        return []
    seconds = sum(span.end - span.start for span in unread)
    places = "one place" if len(unread) == 1 else f"{len(unread)} places"
    longest = sorted(unread, key=lambda span: span.start - span.end)[:MAX_STRETCHES_TOLD]
    return [
        Notice(
            code="speech_unread",
            message=f"Somebody seems to speak for {seconds:.1f} s in {places} where the transcript has no words.",
            detail={
                "seconds": round(seconds, 3),
                "places": len(unread),
                "stretches": [
                    {"start": span.start, "end": span.end} for span in sorted(longest, key=lambda span: span.start)
                ],
            },
        )
    ]
