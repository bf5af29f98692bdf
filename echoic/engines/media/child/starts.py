"""Starts of recordings and of their tracks on the clock of the file."""

from typing import TYPE_CHECKING

from echoic.engines.media.child.matroska import matroska_head
from echoic.engines.media.child.sections import Section

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

MATROSKA = "matroska,webm"
TELL_STARTS = ("mov,mp4,m4a,3gp,3g2,mj2",)
"""Containers with tables that say when each track begins."""


def start_seconds(container: "InputContainer", section: Section) -> float | None:
    """Return when the recording begins, its picture included; None where that is unknown.

    FFmpeg takes the first packet whose time it knows for the beginning: in a film whose picture has no times yet, or
    whose first packets are damaged, that is too late.
    """
    import av

    found: int | None = container.start_time  # the types forget that it may be unknown
    first = None if found is None else found / av.time_base
    told = matroska_head(section).start_seconds if container.format.name == MATROSKA else None
    return first if told is None else min(told, first if first is not None else told)


def late_seconds(container: "InputContainer", stream: "AudioStream") -> float:
    """Return how much later than its recording a track begins; 0 where only the first packet that is found says so."""
    import av

    first: int | None = container.start_time  # the types forget that both may be unknown
    own: int | None = stream.start_time
    if container.format.name not in TELL_STARTS or first is None or own is None or stream.time_base is None:
        return 0.0
    return max(0.0, float(own * stream.time_base) - first / av.time_base)
