"""Finds who speaks when in a recording with one speaker a channel. No voices are compared."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from echoic.engines.protocols import MAX_PIECE_SECONDS
from echoic.pipeline.stage import StageContext
from echoic.records import Audio, Diarization, SpeakerTurn, SpeechSpan, milliseconds, speaker_label
from echoic.stages.audio import DecodedAudio
from echoic.stages.tools import Tools
from echoic.units import SAMPLE_RATE

WINDOW_SAMPLES = round(MAX_PIECE_SECONDS * SAMPLE_RATE)
JOIN_SECONDS = 0.3
"""Stretches of one channel that are no further apart become one, since the ends of windows cut some in two."""


async def turns_by_channel(context: StageContext[Tools], voices: Sequence[DecodedAudio]) -> Diarization:
    """Return the stretches of speech on each channel as turns of its speaker.

    The audio is read in windows, so that memory stays flat.
    """
    turns: list[SpeakerTurn] = []
    speakers = [speaker_label(number) for number in range(len(voices))]
    for number, (voice, speaker) in enumerate(zip(voices, speakers, strict=True)):
        spans: list[SpeechSpan] = []
        for first in range(0, voice.samples, WINDOW_SAMPLES):
            await context.progress((number * voice.duration_seconds + first / SAMPLE_RATE) / len(voices))
            spans += await _speech(context, await voice.read(first, WINDOW_SAMPLES), first / SAMPLE_RATE)
        turns += [SpeakerTurn(start=span.start, end=span.end, speaker=speaker) for span in joined(spans)]
    turns.sort(key=lambda turn: (turn.start, turn.speaker))
    return Diarization(
        turns=tuple(turns),
        exclusive=tuple(one_at_a_time(turns)),
        speakers=tuple(speaker for speaker in speakers if any(turn.speaker == speaker for turn in turns)),
    )


async def _speech(context: StageContext[Tools], audio: Audio, start: float) -> list[SpeechSpan]:
    def work() -> tuple[SpeechSpan, ...]:
        with context.tools.engines.speech_detector.use() as detector:
            return detector.detect_speech(audio)

    return [
        SpeechSpan(start=milliseconds(span.start + start), end=milliseconds(span.end + start))
        for span in await asyncio.to_thread(work)
    ]


def joined(spans: Iterable[SpeechSpan]) -> list[SpeechSpan]:
    """Join spans, given in order, that are at most ``JOIN_SECONDS`` apart. Pure."""
    result: list[SpeechSpan] = []
    for span in spans:
        if result and span.start - result[-1].end <= JOIN_SECONDS:
            result[-1] = SpeechSpan(start=result[-1].start, end=max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def one_at_a_time(turns: Iterable[SpeakerTurn]) -> Iterator[SpeakerTurn]:
    """Cut overlaps out of turns that are in order: a speaker goes on until the end of the turn. Pure."""
    end = 0.0
    for turn in turns:
        if turn.end > end:
            yield SpeakerTurn(start=max(turn.start, end), end=turn.end, speaker=turn.speaker)
            end = turn.end
