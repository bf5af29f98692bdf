"""Transcribe: speech becomes segments and words, piece by piece, each piece kept as soon as it is done.

Pieces of five to ten minutes, cut where nobody speaks, keep the memory flat however long the recording is, and let an
interruption repeat minutes instead of hours.
"""

import asyncio
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import items, transcripts
from echoic.engines.pieces import piece_seconds
from echoic.engines.protocols import MAX_PIECE_SECONDS, Tier, TranscribeOptions
from echoic.errors import StageInternalError
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import (
    SAMPLE_RATE,
    UNKNOWN_LANGUAGE,
    Audio,
    EngineId,
    Segment,
    Transcription,
    Word,
    milliseconds,
)
from echoic.stages.audio import open_decoded
from echoic.stages.replacements import Replacement, replaced
from echoic.stages.tools import Tools

MAX_PIECE_SAMPLES = round(MAX_PIECE_SECONDS * SAMPLE_RATE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A transcribed stretch of the recording; the times inside count from the recording's start."""

    first_sample: int
    end_sample: int
    """One past the last."""
    transcription: Transcription


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What the transcript is to be like."""

    options: TranscribeOptions
    replacements: tuple[Replacement, ...]


async def run(context: StageContext[Tools]) -> StageOutput:
    """Transcribe the decoded audio from the last checkpoint on."""
    audio = await open_decoded(context)
    asked = await _asked(context)
    pieces = [_piece_from_json(payload) for payload in context.checkpoints]
    # Counted in samples: sums of seconds never quite reach the end.
    first = pieces[-1].end_sample if pieces else 0
    while first < audio.samples:
        window = await audio.read(first, MAX_PIECE_SAMPLES)
        is_last = first + len(window) == audio.samples
        options = replace(asked.options, language=asked.options.language or _language_heard(pieces))
        piece = await _transcribe_piece(context, window, first=first, is_last=is_last, options=options)
        await context.save_checkpoint(_piece_to_json(piece))
        pieces.append(piece)
        first = piece.end_sample
    engine = context.tools.engines.transcriber.id
    heard = join_pieces(pieces, language=asked.options.language or _language_heard(pieces))
    whole = replace(heard, segments=replaced(heard.segments, asked.replacements))
    return StageOutput(
        output={
            "segments": len(whole.segments),
            "pieces": len(pieces),
            "language": whole.language,
            "language_probability": whole.language_probability,
            "engine": engine.label,
        },
        audio_seconds=audio.duration_seconds,
        write=lambda session: _write(session, context, whole, engine),
    )


async def _transcribe_piece(
    context: StageContext[Tools], window: Audio, *, first: int, is_last: bool, options: TranscribeOptions
) -> Piece:
    start = first / SAMPLE_RATE
    loop = asyncio.get_running_loop()
    engines = context.tools.engines

    def report(seconds: float) -> None:
        # What this raises ends the transcription: the engine lets it through.
        asyncio.run_coroutine_threadsafe(context.progress(start + seconds), loop).result()

    def work() -> Piece:
        audio = window
        if not is_last:
            with engines.speech_detector.use() as detector:
                audio = window[: round(piece_seconds(window, detector, final=False) * SAMPLE_RATE)]
        with engines.transcriber.use() as transcriber:
            transcription = transcriber.transcribe(audio, options=options, on_progress=report)
        return Piece(
            first_sample=first,
            end_sample=first + len(audio),
            transcription=replace(
                transcription, segments=tuple(_shift(segment, start) for segment in transcription.segments)
            ),
        )

    return await asyncio.to_thread(work)


async def _asked(context: StageContext[Tools]) -> _Asked:
    """What the request says; where it says nothing, the dataset; for the language at last this machine's settings."""
    async with context.tools.database.transaction() as session:
        dataset = await items.dataset_of_item(session, context.item_id)
    if dataset is None:
        raise StageInternalError("The item or its dataset is gone.")
    given = context.options
    return _Asked(
        options=TranscribeOptions(
            language=given.get("language") or dataset.language or context.tools.settings.language,
            tier=cast("Tier", given.get("tier") or dataset.tier),
            initial_prompt=dataset.initial_prompt,
            hotwords=tuple(dataset.vocabulary),
        ),
        replacements=tuple(Replacement(find=each["find"], replace=each["replace"]) for each in dataset.replacements),
    )


def _language_heard(pieces: list[Piece]) -> str | None:
    """The language detected in the first piece in which somebody spoke; later pieces are held to it."""
    for piece in pieces:
        if piece.transcription.language != UNKNOWN_LANGUAGE:
            return piece.transcription.language
    return None


def join_pieces(pieces: list[Piece], *, language: str | None) -> Transcription:
    """One transcription of the whole recording. Pure."""
    heard = [piece.transcription for piece in pieces if piece.transcription.language != UNKNOWN_LANGUAGE]
    return Transcription(
        segments=tuple(segment for piece in pieces for segment in piece.transcription.segments),
        language=language or UNKNOWN_LANGUAGE,
        language_probability=heard[0].language_probability if heard else 0.0,
    )


def _shift(segment: Segment, seconds: float) -> Segment:
    return replace(
        segment,
        start=milliseconds(segment.start + seconds),
        end=milliseconds(segment.end + seconds),
        words=tuple(
            replace(word, start=milliseconds(word.start + seconds), end=milliseconds(word.end + seconds))
            for word in segment.words
        ),
    )


def _piece_to_json(piece: Piece) -> dict[str, Any]:
    return asdict(piece)


def _piece_from_json(payload: dict[str, Any]) -> Piece:
    transcription = payload["transcription"]
    segments = tuple(
        Segment(**{**segment, "words": tuple(Word(**word) for word in segment["words"])})
        for segment in transcription["segments"]
    )
    return Piece(
        first_sample=payload["first_sample"],
        end_sample=payload["end_sample"],
        transcription=Transcription(**{**transcription, "segments": segments}),
    )


async def _write(session: AsyncSession, context: StageContext[Tools], whole: Transcription, engine: EngineId) -> None:
    item = await items.get_item(session, context.item_id)
    if item is None:
        raise StageInternalError("The item is gone.")
    transcript = await transcripts.create_transcript(
        session, item_id=item.id, run_id=context.run_id, transcription=whole, engine=engine
    )
    item.language = None if whole.language == UNKNOWN_LANGUAGE else whole.language
    # The first transcript is readable from now on, even if a later stage fails; a newer one waits for publication.
    if item.transcript_id is None:
        item.transcript_id = transcript.id
