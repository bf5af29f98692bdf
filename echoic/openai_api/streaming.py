"""The answer as server-sent events, while pieces of the recording become known (https://html.spec.whatwg.org/#server-sent-events)."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi.sse import format_sse_event

from echoic.compose import Components
from echoic.errors import EchoicError
from echoic.intake.held_requests import Begun
from echoic.openai_api.answers import diarized_segments, remarks, whole_text
from echoic.openai_api.failures import fault_of
from echoic.openai_api.fields import Asked
from echoic.reading import held
from echoic.reading.held import Pause
from echoic.records import Segment

HEADERS = {
    "Cache-Control": "no-cache",
    # nginx would collect events before it passes them on.
    "X-Accel-Buffering": "no",
}
HEARTBEAT_SECONDS = 15.0
"""A comment is sent after so long without an event, so that proxies keep the connection."""
END = format_sse_event(data_str="[DONE]")


async def events(components: Components, begun: Begun, asked: Asked, stage: str, pause: Pause) -> AsyncIterator[bytes]:
    """Yield the events of a run: text as it becomes known, all of it at the end, and ``[DONE]``.

    A failure is an event, too: the status of the answer has been sent by then.
    """
    try:
        async for frame in _frames(components, begun, asked, stage, pause):
            yield frame
    except EchoicError as error:
        yield _event({"error": fault_of(error).model_dump()})
    yield END


async def _frames(components: Components, begun: Begun, asked: Asked, stage: str, pause: Pause) -> AsyncIterator[bytes]:
    told = _Told()
    heard_at = time.monotonic()
    yield format_sse_event(comment="accepted")
    async for look in held.watch(components.database, begun.run_id, stage, pause):
        if not asked.tells_speakers and look.parts and held.TRANSCRIBE not in look.stages:
            frames = told.more(await held.segments_so_far(components.database, begun.run_id))
            if frames:
                heard_at = time.monotonic()
                yield frames
        if time.monotonic() - heard_at > HEARTBEAT_SECONDS:
            heard_at = time.monotonic()
            yield format_sse_event(comment="still here")
    found = await held.load(components.database, begun.run_id, with_speakers=asked.tells_speakers)
    if asked.tells_speakers:
        for segment in diarized_segments(found):
            yield told.delta(segment["text"], segment_id=segment["id"]) + _event(segment)
    else:
        yield told.more(found.transcript.segments)
    done: dict[str, Any] = {"type": "transcript.text.done", "text": whole_text(found.transcript.segments)}
    if notices := remarks(found.transcript, asked.notices):
        done["notices"] = notices
    yield _event(done)


class _Told:
    """The text that was sent so far."""

    def __init__(self) -> None:
        self._segments = 0
        self._is_begun = False

    def more(self, segments: "tuple[Segment, ...] | list[Segment]") -> bytes:
        """Return the events of those segments that were not told yet."""
        new, self._segments = segments[self._segments :], max(self._segments, len(segments))
        return b"".join(self.delta(" ".join(segment.text.split())) for segment in new)

    def delta(self, text: str, **more: str) -> bytes:
        """Return the event of more text; the texts of all of them are the whole text."""
        if not text:
            return b""
        spaced = f" {text}" if self._is_begun else text
        self._is_begun = True
        return _event({"type": "transcript.text.delta", "delta": spaced, **more})


def _event(data: dict[str, Any]) -> bytes:
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False))
