"""Tails of recordings whose container does not say where they end: bytes behind the last sound that belong to none."""

from echoic.engines.media.child.pieces import (
    MIN_UNREAD_BYTES,
    FilePiece,
    after_tags,
    bytes_behind_pages,
    unread_bytes,
)
from echoic.engines.media.child.reading import Reading
from echoic.engines.media.child.sections import Section

FLAC, OGG = "flac", "ogg"
PACKETS_ALONE = ("aac", "amr", "flac", "mp3")
"""Containers that consist of packets and nothing between them."""
STREAMINFO_BYTES = 42
"""The mark of FLAC, the head of its first block, and that block (RFC 9639, 8.2)."""
FRAME_HEAD_BYTES = 18
"""The head of a frame of FLAC and the sum at its end are no longer than this together."""
MAX_CHANNEL_BYTES = 4
"""A sample of one channel has at most so many."""


def unread_within(piece: FilePiece, section: Section, reading: Reading, format_name: str | None) -> int:
    """Return how many bytes of a recording that is read in order were part of no packet; tags and zeros are none."""
    if format_name == OGG:
        # Where nothing went wrong, only what follows the last packet can be something else.
        near = 0 if reading.losses.met_trouble else reading.end_bytes
        return bytes_behind_pages(section, near) if near or reading.losses.met_trouble else 0
    if format_name not in PACKETS_ALONE:
        return 0
    return max(piece.junk_bytes(section, reading.known_bytes), _behind_packets(section, reading, format_name))


def _behind_packets(section: Section, reading: Reading, format_name: str) -> int:
    end = section.start + reading.end_bytes
    if format_name == FLAC:
        # FFmpeg ends a frame where it finds the next: the last one has all that follows.
        end -= max(0, reading.last_bytes - _largest_frame(section))
    count = unread_bytes(section.source, end, section.end) if reading.end_bytes else 0
    return count if count >= MIN_UNREAD_BYTES else 0


def _largest_frame(section: Section) -> int:
    """Return the bytes of the largest frame, by what the head says, or else those of one that saves nothing."""
    head = section.source.read_at(after_tags(section.source, section.start), STREAMINFO_BYTES)
    if len(head) < STREAMINFO_BYTES or head[:4] != b"fLaC":
        return section.end - section.start
    block_samples = int.from_bytes(head[10:12], "big")
    channels = (head[20] >> 1 & 7) + 1
    return int.from_bytes(head[15:18], "big") or block_samples * channels * MAX_CHANNEL_BYTES + FRAME_HEAD_BYTES
