"""Lengths that files state: how long the sound is by the head of the file, never by an estimate.

FFmpeg estimates where a file says nothing, by its size and its bit rate, and does not say that it did.
"""

from typing import TYPE_CHECKING

from echoic.engines.media.child.avi import avi_seconds
from echoic.engines.media.child.container import AVI, declared_seconds
from echoic.engines.media.child.extents import asf_seconds
from echoic.engines.media.child.matroska import matroska_head
from echoic.engines.media.child.sections import Section
from echoic.engines.media.child.starts import MATROSKA, late_seconds, start_seconds

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

ASF = "asf"
TELL_THEIR_LENGTH = ("aiff", "caf", "flac", "mov,mp4,m4a,3gp,3g2,mj2", "wv")
"""Containers whose head says how long the sound of a track is."""
TELLS_OF_ALL_TRACKS = (ASF, MATROSKA)
"""Containers whose head says when the last track ends."""
TELL_NO_MORE = ("caf",)
"""Containers of which FFmpeg reckons the length by the bytes that are there, once some are missing."""
TELL_BY_BYTES = ("aiff", "au", "caf", "w64", "wav")
"""Containers that hold one stretch of sound, so that its size says its length as well."""


def told_seconds(
    container: "InputContainer", stream: "AudioStream", section: Section, *, is_cut: bool, is_start_known: bool
) -> float | None:
    """Return when a track ends by what the file states, counted from the start of the recording.

    Without ``is_start_known`` the beginning may be lost, so that what comes first is not taken for the start.
    """
    name = container.format.name
    if name in TELL_THEIR_LENGTH and not (is_cut and name in TELL_NO_MORE):
        declared = declared_seconds(container, stream)
        return None if declared is None else declared + late_seconds(container, stream)
    if name == AVI and is_cut:
        return avi_seconds(stream)
    # The picture may go on when the sound has ended.
    if name in TELLS_OF_ALL_TRACKS and (is_cut or not container.streams.video):
        told = (
            matroska_head(section).duration_seconds if name == MATROSKA else asf_seconds(section.source, section.start)
        )
        start = max(0.0, start_seconds(container, section) or 0.0) if is_start_known else 0.0
        # A clock that begins after the whole length is none that the length was counted by.
        return told if told is None or start > told else told - start
    return None
