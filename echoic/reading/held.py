"""Runs whose callers wait for their words: watched until the stage that is waited for has ended, then read.

Whoever waits reads what was sent by the same request, so nothing is asked about rights here; ``intake.held_requests`` has
asked, and knows that nothing of it is hidden from the caller.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.runs import awaited, runs
from echoic.db.runs.awaited import AwaitedRun
from echoic.db.speakers import diarizations
from echoic.db.transcripts import transcripts
from echoic.db.transcripts.transcripts import EVERYTHING
from echoic.errors import (
    DatabaseUnavailable,
    EchoicError,
    ItemNotFound,
    SpeakersNotTold,
    StageInternalError,
    TranscriptionCancelled,
    all_errors,
)
from echoic.records import Segment, Transcript
from echoic.text.replacements import Replacement, replaced_in_segments

SHORTEST_WAIT_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 0.5
WAIT_SHARE = 0.02
"""The share of the time waited so far after which the run is looked at again: a short recording's end is noticed at once,
and a long one's costs little."""
OUTAGE_PATIENCE_SECONDS = 30.0
TRANSCRIBE = "transcribe"
ATTRIBUTE = "attribute"
IDENTIFY = "identify"

Pause = Callable[[float], Awaitable[None]]
"""Waits for so many seconds; raises what ends the waiting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldTranscript:
    """The result that was waited for."""

    transcript: Transcript
    known: dict[str, str] = field(default_factory=dict)
    """Names of people who were said to speak, by label."""


async def watch(database: Database, run_id: int, stage: str, pause: Pause) -> AsyncIterator[AwaitedRun]:
    """Yield a run each time that it has come further, until a stage has ended.

    Raises ItemNotFound where it was deleted, TranscriptionCancelled, the error that the run failed with, DatabaseUnavailable
    after an outage of ``OUTAGE_PATIENCE_SECONDS``, and what ``pause`` raises.
    """
    began = seen_at = time.monotonic()
    last: AwaitedRun | None = None
    while True:
        try:
            look = await awaited.look(database, run_id)
        except DatabaseUnavailable:
            if time.monotonic() - seen_at > OUTAGE_PATIENCE_SECONDS:
                raise
            await pause(LONGEST_WAIT_SECONDS)
            continue
        seen_at = time.monotonic()
        if look is None:
            raise ItemNotFound
        if look != last:
            yield look
        if stage in look.stages:
            return
        _require_going_on(look)
        last = look
        await pause(min(max((time.monotonic() - began) * WAIT_SHARE, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS))


def _require_going_on(look: AwaitedRun) -> None:
    if look.state == "cancelled":
        raise TranscriptionCancelled
    if look.state == "failed":
        kind = all_errors().get(look.error_code or "", StageInternalError)
        raise _made(kind, look.error_message)
    if look.state == "succeeded":
        raise StageInternalError("The run ended without the stage that was waited for.")


def _made(kind: type[EchoicError], message: str | None) -> EchoicError:
    """Return an error that was stored by its code and message; some classes are made of more than a message."""
    error = kind.__new__(kind)
    EchoicError.__init__(error, message)
    return error


async def sleep(seconds: float) -> None:
    """Wait, and let nothing end the waiting."""
    await asyncio.sleep(seconds)


async def load(database: Database, run_id: int, *, with_speakers: bool) -> HeldTranscript:
    """Return what a run has written down.

    Raises ItemNotFound where it was deleted, and SpeakersNotTold where its speakers are wanted and could not be told apart.
    """
    async with database.snapshot() as session:
        run = await runs.get_run(session, run_id)
        transcript = await transcripts.transcript_of_run(session, run_id)
        item = None if run is None else await items.get_item(session, run.item_id)
        if transcript is None or item is None:
            raise ItemNotFound
        found = await transcripts.load(session, item, transcript, EVERYTHING)
        known: dict[str, str] = {}
        if with_speakers:
            if await diarizations.load_diarization(session, transcript.id) is None:
                failed = await runs.last_left_out(session, run_id)
                raise SpeakersNotTold(_why(failed.error_message if failed else None))
            identified = await runs.stage_result(session, run_id, IDENTIFY)
            known = dict(identified.output.get("known", {})) if identified is not None else {}
    return HeldTranscript(transcript=found.transcript, known=known)


def _why(message: str | None) -> str:
    told = f" {message}" if message else ""
    return f"The speakers could not be told apart.{told} Another response_format gets the words."


async def segments_so_far(database: Database, run_id: int) -> list[Segment]:
    """Return the segments of the pieces that are transcribed while others are still to come.

    Of a recording in which each channel has a speaker of its own nothing is told before its end: its channels are
    transcribed one after the other.
    """
    async with database.transaction() as session:
        run = await runs.get_run(session, run_id)
        parts = await runs.load_checkpoints(session, run_id=run_id, stage=TRANSCRIBE)
    if run is None or any(part.get("speaker") is not None for part in parts):
        return []
    replacements = tuple(Replacement(**each) for each in (run.resolved_options or {}).get("replacements", ()))
    heard = tuple(_segment(told) for part in parts for told in part["transcription"]["segments"])
    return list(replaced_in_segments(heard, replacements))


def _segment(told: dict[str, Any]) -> Segment:
    """Return a segment of a checkpoint, without its words."""
    return Segment(start=told["start"], end=told["end"], text=told["text"])
