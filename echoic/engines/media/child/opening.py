"""Opens the recordings in one file, one after the other, and chooses the tracks of each that are decoded."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from echoic.engines.media import wire
from echoic.engines.media.child.container import BY_EXTENSION, SEQUENTIAL, Refused, in_words, open_container, read_only
from echoic.engines.media.child.pieces import (
    HEAD_BYTES,
    MIN_UNREAD_BYTES,
    FilePiece,
    first_after_junk,
    next_beginning,
    piece_at,
    unread_bytes,
)
from echoic.engines.media.child.protection import has_index, sample_entries, scheme, wav_format
from echoic.engines.media.child.sections import Section, Source
from echoic.engines.media.child.signatures import foreign_kind, recording_kind
from echoic.engines.media.child.tracks import Choice, choose_tracks

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

MAX_PIECES = 10_000
"""A day of radio has some hundreds of songs, each a recording of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One recording of the file and how it is opened."""

    source: Source
    piece: FilePiece
    container: "InputContainer"
    """Opened for a look at it."""
    section: Section
    """What ``container`` reads."""
    format_name: str | None
    """The demuxer; None: FFmpeg tells by the bytes."""
    as_stream: bool
    """Whether it is read from its beginning on, because only so its end is found."""
    choice: Choice

    def in_words(self) -> str:
        """Return what the recording is, for people."""
        first = self.choice.indexes[0]
        return in_words(self.container, next(each for each in self.container.streams.audio if each.index == first))

    @contextmanager
    def track(self, index: int) -> Iterator[tuple["InputContainer", "AudioStream", Section]]:
        """Yield a reader of one track alone, independent of those of the others."""
        section = self.piece.open(self.source, as_stream=self.as_stream)
        with closing(open_container(section, self.format_name)) as container:
            yield container, read_only(container, index), section


def open_first(source: Source, extension: str) -> Recording:
    """Return the first recording of the file, which may have junk before it. Raises ``Refused``."""
    try:
        return _open(source, piece_at(source, 0))
    except Refused as refused:
        if refused.reason != wire.UNKNOWN_CONTAINER:
            raise
        start = first_after_junk(source)
        if start is not None:
            return _open(source, piece_at(source, start))
        by_name = BY_EXTENSION.get(extension)
        if by_name is None or foreign_kind(source.read_at(0, HEAD_BYTES), texts=False) is not None:
            raise _what_it_is(source) from refused
    try:
        return _open(source, piece_at(source, 0), by_name)
    except Refused as refused:
        raise _what_it_is(source) from refused


def nothing_found(source: Source, *, is_empty: bool = False) -> Refused:
    """Why nothing was decoded of a file that could be opened; ``is_empty``: it has not a packet."""
    kind = foreign_kind(source.read_at(0, HEAD_BYTES))
    if kind is not None:
        return Refused(wire.UNKNOWN_CONTAINER, kind)
    return Refused(wire.NO_SAMPLES if is_empty else wire.NOTHING_DECODED)


def recordings(
    source: Source, first: Recording, on_unread: Callable[[int], object]
) -> Iterator[tuple[Recording, Section]]:
    """The first recording and those behind it, with a section whose ``end`` the caller moves where the reading ends.

    ``on_unread`` is told how many bytes were passed over that may have been sound.
    """
    recording = first
    for _ in range(MAX_PIECES):
        section = recording.piece.open(source, as_stream=recording.as_stream)
        yield recording, section
        following = _open_next(source, section.end, on_unread)
        if following is None:
            return
        recording = following


def _open_next(source: Source, position: int, on_unread: Callable[[int], object]) -> Recording | None:
    """Return the next recording that can be opened."""
    passed_over = position
    for _ in range(MAX_PIECES):
        start = next_beginning(source, position) if position < source.size else None
        if start is None:
            break
        try:
            recording = _open(source, piece_at(source, start))
        except Refused:
            position = start + 1
            continue
        _tell(source, passed_over, start, on_unread)
        return recording
    _tell(source, passed_over, source.size, on_unread)
    return None


def _tell(source: Source, start: int, end: int, on_unread: Callable[[int], object]) -> None:
    count = unread_bytes(source, start, end) if end - start >= MIN_UNREAD_BYTES else 0
    if count >= MIN_UNREAD_BYTES:
        on_unread(count)


def _open(source: Source, piece: FilePiece, format_name: str | None = None) -> Recording:
    section = piece.open(source, as_stream=False)
    container = open_container(section, format_name)
    name = container.format.name
    entries = sample_entries(source, section.start, section.end) if name.startswith("mov") else []
    if name == "wav":
        entries = wav_format(source, section.start)
    as_stream = name in SEQUENTIAL and piece.extent.end is None
    return Recording(
        source=source,
        piece=piece,
        container=container,
        section=section,
        # Names with commas are several; FFmpeg takes the first.
        format_name=name.partition(",")[0] if as_stream or format_name else None,
        as_stream=as_stream,
        choice=choose_tracks(container, entries, scheme(source, section.start)),
    )


def _what_it_is(source: Source) -> Refused:
    head = source.read_at(0, HEAD_BYTES)
    kind = foreign_kind(head)
    if kind is None and head[4:8] in (b"ftyp", b"mdat", b"wide") and not has_index(source, 0, source.size):
        return Refused(wire.INDEX_MISSING)
    recording = recording_kind(head)
    if recording is not None:
        return Refused(wire.HEAD_ALONE, recording)
    return Refused(wire.UNKNOWN_CONTAINER, kind or "")
