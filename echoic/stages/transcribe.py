"""Transcribe: speech becomes segments and words, piece by piece.

Pieces of five to ten minutes, cut where nobody speaks, keep memory flat for recordings of any length. Each finished piece
is a checkpoint, so that an interruption repeats minutes instead of hours.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items import items
from echoic.db.transcripts import transcripts
from echoic.engines.choice import Chosen, choose, require_translation
from echoic.engines.pieces import piece_seconds
from echoic.engines.protocols import MAX_PIECE_SECONDS, TranscribeOptions
from echoic.errors import StageInternalError
from echoic.notices import MEANINGS, Notice
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import (
    UNKNOWN_LANGUAGE,
    Audio,
    EngineId,
    LanguageRun,
    Segment,
    SpeechSpan,
    Transcription,
    Word,
    milliseconds,
    speaker_label,
)
from echoic.stages.audio import DecodedAudio, open_decoded
from echoic.stages.options import RunOptions
from echoic.stages.speech_account import MAX_STRETCHES_TOLD, account, speech_without_words
from echoic.stages.tools import Tools
from echoic.text.coverage import joined_speech
from echoic.text.replacements import Replacement, replaced_in_segments
from echoic.units import SAMPLE_RATE

TRANSLATED_INTO = "en"
MAX_PIECE_SAMPLES = round(MAX_PIECE_SECONDS * SAMPLE_RATE)


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscribedPiece:
    """A transcribed stretch of the recording. Its times count from the start of the recording."""

    first_sample: int
    end_sample: int
    """One past the last sample."""
    transcription: Transcription
    speaker: str | None = None
    """The speaker of the channel, where each channel has one."""
    engine: str | None = None
    """Label of the transcriber; None in checkpoints of an older version."""
    asked: tuple[str, str | None] | None = None
    """The tier and the language that were asked for; None in checkpoints of an older version."""
    unread: tuple[SpeechSpan, ...] = ()
    """Speech without words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """The options of the transcript, and the transcriber."""

    options: TranscribeOptions
    replacements: tuple[Replacement, ...]
    transcriber: Chosen

    @property
    def of_pieces(self) -> tuple[str, str | None]:
        """Tier and language: pieces with different ones cannot be joined."""
        return self.options.tier, self.options.language


async def run(context: StageContext[Tools]) -> StageOutput:
    """Transcribe the decoded audio from the last checkpoint on: the mix, or each channel that has a voice of its own."""
    audio = await open_decoded(context)
    asked = _asked(context)
    engine = context.tools.engines.transcribers.lease(asked.transcriber).id
    # Pieces made by another transcriber, or with another tier or language, cannot be joined with the new ones.
    finished = [_piece_from_json(payload) for payload in context.checkpoints]
    pieces = [
        piece for piece in finished if piece.engine in (None, engine.label) and piece.asked in (None, asked.of_pieces)
    ]
    tracks = [_Track(audio=audio, speaker=None, done_before=0, count=1)]
    if audio.voices:
        tracks = [
            _Track(audio=voice, speaker=speaker_label(number), done_before=number, count=len(audio.voices))
            for number, voice in enumerate(audio.voices)
        ]
    for track in tracks:
        await _transcribe_track(context, track, pieces, asked)
    heard = join_pieces(pieces, language=asked.options.language or _language_heard(pieces))
    if asked.options.task == "translate":
        heard = _in_english(heard)
    whole = replace(heard, segments=replaced_in_segments(heard.segments, asked.replacements))
    return StageOutput(
        output={
            "segments": len(whole.segments),
            "pieces": len(pieces),
            "language": whole.language,
            "language_probability": whole.language_probability,
            "engine": engine.label,
        },
        audio_seconds=audio.duration_seconds,
        notices=[
            *_notices(whole, audio.duration_seconds),
            *account(joined_speech(*(piece.unread for piece in pieces))),
        ],
        write=lambda session: _write(session, context, whole, engine),
    )


def _in_english(heard: Transcription) -> Transcription:
    """Return a translation with its own language in place of the one that was spoken."""
    return replace(
        heard,
        language=heard.language if heard.language == UNKNOWN_LANGUAGE else TRANSLATED_INTO,
        segments=tuple(replace(segment, language=None) for segment in heard.segments),
    )


def _notices(whole: Transcription, duration_seconds: float) -> list[Notice]:
    if whole.segments:
        return [*_doubted_languages(whole), *(Notice(code=limit, message=MEANINGS[limit]) for limit in whole.limits)]
    message = f"Nobody was heard to speak in {duration_seconds:.1f} s of audio: the transcript is empty."
    return [Notice(code="no_speech", message=message, detail={"duration_seconds": milliseconds(duration_seconds)})]


def _doubted_languages(whole: Transcription) -> list[Notice]:
    runs = [run for run in whole.languages if not run.certain]
    if not runs:
        return []
    seconds = sum(run.end - run.start for run in runs)
    message = (
        f"In {seconds:.0f} s of the recording it is not certain which language is spoken; words may be invented there."
    )
    stretches = [{"start": run.start, "end": run.end, "language": run.language} for run in runs[:MAX_STRETCHES_TOLD]]
    return [
        Notice(code="language_doubtful", message=message, detail={"seconds": round(seconds, 3), "stretches": stretches})
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Track:
    """The audio that is transcribed in one go. Its place among all tracks serves to report progress."""

    audio: DecodedAudio
    speaker: str | None
    done_before: int
    count: int

    def progress(self, seconds: float) -> float:
        """Convert seconds of this track that are done to seconds of the whole work."""
        return (self.done_before * self.audio.duration_seconds + seconds) / self.count


async def _transcribe_track(
    context: StageContext[Tools], track: _Track, pieces: list[TranscribedPiece], asked: _Asked
) -> None:
    """Transcribe the missing pieces of a track and add them to ``pieces``."""
    # Counted in samples, because sums of seconds miss the exact end.
    first = max((piece.end_sample for piece in pieces if piece.speaker == track.speaker), default=0)
    while first < track.audio.samples:
        window = await track.audio.read(first, MAX_PIECE_SAMPLES)
        is_last = first + len(window) == track.audio.samples
        options = asked.options
        if options.language is None:
            options = replace(options, language=_language_heard(pieces), language_is_heard=True)
        if track.speaker is not None:
            options = replace(options, only_clear=True)
        piece = await _transcribe_piece(
            context, track, window, first=first, is_last=is_last, asked=replace(asked, options=options)
        )
        piece = replace(piece, asked=asked.of_pieces)
        await context.save_checkpoint(_piece_to_json(piece))
        pieces.append(piece)
        first = piece.end_sample


async def _transcribe_piece(
    context: StageContext[Tools], track: _Track, window: Audio, *, first: int, is_last: bool, asked: _Asked
) -> TranscribedPiece:
    start = first / SAMPLE_RATE
    loop = asyncio.get_running_loop()
    engines = context.tools.engines

    def report(seconds: float) -> None:
        # An error raised here passes through the engine and ends the stage, as after a cancel.
        asyncio.run_coroutine_threadsafe(context.progress(track.progress(start + seconds)), loop).result()

    def work() -> TranscribedPiece:
        audio = window
        if not is_last:
            with engines.speech_detector.use() as detector:
                audio = window[: round(piece_seconds(window, detector, final=False) * SAMPLE_RATE)]
        with engines.transcribers.use(asked.transcriber) as transcriber:
            transcription = transcriber.transcribe(audio, options=asked.options, on_progress=report)
        with engines.speech_detector.use() as detector:
            unread = speech_without_words(
                detector,
                audio,
                transcription.segments,
                only_clear=asked.options.only_clear,
                heard=transcription.speech,
            )
        return TranscribedPiece(
            first_sample=first,
            end_sample=first + len(audio),
            transcription=replace(
                transcription,
                # Kept as ``unread``, as far as it matters.
                speech=None,
                segments=tuple(_placed(segment, start, track.speaker) for segment in transcription.segments),
                languages=tuple(
                    replace(run, start=milliseconds(run.start + start), end=milliseconds(run.end + start))
                    for run in transcription.languages
                ),
            ),
            speaker=track.speaker,
            engine=engines.transcribers.lease(asked.transcriber).id.label,
            unread=tuple(
                SpeechSpan(start=milliseconds(span.start + start), end=milliseconds(span.end + start))
                for span in unread
            ),
        )

    return await asyncio.to_thread(work)


def _asked(context: StageContext[Tools]) -> _Asked:
    """Read the options of the run.

    Raises TranscriberNotOffered where this machine does not offer the transcriber, and TranslationNotOffered.
    """
    options = RunOptions.from_json(context.options)
    chosen = choose(context.tools.settings, engine=options.engine, model=options.model)
    if options.task == "translate":
        require_translation(chosen)
    return _Asked(
        options=options.to_transcribe,
        transcriber=chosen,
        replacements=options.replacements,
    )


def _language_heard(pieces: list[TranscribedPiece]) -> str | None:
    """Return the language of the first piece with speech, which later pieces are transcribed in."""
    for piece in pieces:
        if piece.transcription.language != UNKNOWN_LANGUAGE:
            return piece.transcription.language
    return None


def join_pieces(pieces: list[TranscribedPiece], *, language: str | None) -> Transcription:
    """Join pieces to one transcription of the whole recording; segments of several channels are merged by time. Pure."""
    segments = [segment for piece in pieces for segment in _in_languages(piece.transcription, language)]
    heard = [piece.transcription for piece in pieces if piece.transcription.language != UNKNOWN_LANGUAGE]
    return Transcription(
        segments=tuple(sorted(segments, key=lambda segment: segment.start)),
        language=language or UNKNOWN_LANGUAGE,
        language_probability=heard[0].language_probability if heard else 0.0,
        languages=tuple(run for piece in pieces for run in piece.transcription.languages),
        limits=tuple(dict.fromkeys(limit for piece in pieces for limit in piece.transcription.limits)),
    )


def _in_languages(heard: Transcription, language: str | None) -> Iterator[Segment]:
    """Yield the segments of a piece, each with its language where that differs from the whole transcript's."""
    for segment in heard.segments:
        spoken = segment.language or heard.language
        yield replace(segment, language=None if spoken in (language, UNKNOWN_LANGUAGE) else spoken)


def _placed(segment: Segment, seconds: float, speaker: str | None) -> Segment:
    """Shift a segment of a piece to its time in the recording, with the speaker of the channel."""
    return replace(
        segment,
        speaker=speaker,
        start=milliseconds(segment.start + seconds),
        end=milliseconds(segment.end + seconds),
        words=tuple(
            replace(
                word,
                start=milliseconds(word.start + seconds),
                end=milliseconds(word.end + seconds),
                speaker=speaker,
            )
            for word in segment.words
        ),
    )


def _piece_to_json(piece: TranscribedPiece) -> dict[str, Any]:
    return asdict(piece)


def _piece_from_json(payload: dict[str, Any]) -> TranscribedPiece:
    transcription = payload["transcription"]
    segments = tuple(
        Segment(**{**segment, "words": tuple(Word(**word) for word in segment["words"])})
        for segment in transcription["segments"]
    )
    languages = tuple(LanguageRun(**run) for run in transcription.get("languages", ()))
    return TranscribedPiece(
        first_sample=payload["first_sample"],
        end_sample=payload["end_sample"],
        speaker=payload.get("speaker"),
        engine=payload.get("engine"),
        asked=tuple(payload["asked"]) if payload.get("asked") else None,
        unread=tuple(SpeechSpan(**span) for span in payload.get("unread", ())),
        transcription=Transcription(
            **{
                **transcription,
                "segments": segments,
                "languages": languages,
                "limits": tuple(transcription.get("limits", ())),
            }
        ),
    )


async def _write(session: AsyncSession, context: StageContext[Tools], whole: Transcription, engine: EngineId) -> None:
    item = await items.get_item(session, context.item_id)
    if item is None:
        raise StageInternalError("The item is gone.")
    transcript = await transcripts.create_transcript(
        session, item_id=item.id, run_id=context.run_id, transcription=whole, engine=engine
    )
    # The first transcript is readable from now on, even if a later stage fails; a newer one waits until publication.
    if item.transcript_id is None:
        transcripts.make_present(item, transcript)
