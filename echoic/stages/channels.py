"""Who speaks when in a recording with one voice a channel: the channels tell, so no voices are compared."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from echoic.engines.protocols import MAX_PIECE_SECONDS
from echoic.pipeline.stage import StageContext
from echoic.records import Audio, Diarization, SpeakerTurn, SpeechSpan, milliseconds
from echoic.stages.audio import DecodedAudio, voice_label
from echoic.stages.tools import Tools
from echoic.units import SAMPLE_RATE

WINDOW_SAMPLES = round(MAX_PIECE_SECONDS * SAMPLE_RATE)
JOIN_SECONDS = 0.3
"""Stretches of one channel that are no further apart are one: windows cut some in two."""


async def turns_by_channel(context: StageContext[Tools], voices: Sequence[DecodedAudio]) -> Diarization:
    """The stretches of speech on each channel as turns of its speaker, read in windows so that memory stays flat."""
    turns: list[SpeakerTurn] = []
    speakers = [voice_label(number) for number in range(len(voices))]
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
    """The spans, which come in order, without pauses of up to ``JOIN_SECONDS``. Pure."""
    result: list[SpeechSpan] = []
    for span in spans:
        if result and span.start - result[-1].end <= JOIN_SECONDS:
            result[-1] = SpeechSpan(start=result[-1].start, end=max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def one_at_a_time(turns: Iterable[SpeakerTurn]) -> Iterator[SpeakerTurn]:
    """Turns in order without overlap: who has the word keeps it until the end of the turn. Pure."""
    end = 0.0
    for turn in turns:
        if turn.end > end:
            yield SpeakerTurn(start=max(turn.start, end), end=turn.end, speaker=turn.speaker)
            end = turn.end
