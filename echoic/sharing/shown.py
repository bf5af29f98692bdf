"""The content of a link: those of its moments that its maker may still read, as the maker reads them, and nothing around them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.items.items import Blob, Item
from echoic.db.sharing.shares import Moment
from echoic.db.transcripts import transcripts
from echoic.db.transcripts.transcripts import EVERYTHING, Selection
from echoic.errors import ItemNotFound, OriginalWithheld, ShareNotFound
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import load_redacted, policy_for
from echoic.records import Segment, SpeechSpan, Transcript
from echoic.sharing.cut import cut
from echoic.sharing.shares import OpenShare

UNNAMED_LABEL = re.compile(r"(SPEAKER|HIDDEN)_\d+")
"""Labels that nobody wrote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Something that somebody says."""

    start: float
    """Seconds of the recording."""
    name: str | None
    """Who speaks, where that is shown."""
    voice: int | None
    """Otherwise a number for who speaks, from 1; None where that is not known."""
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownMoment:
    """A recording or a span of it, as a link shows it."""

    number: int
    """Its place among the moments of the link, from 0."""
    title: str
    language: str | None
    start: float
    end: float
    """Seconds of the recording."""
    lines: tuple[Line, ...]
    is_redacted: bool
    """Whether something may be hidden in it."""
    has_audio: bool
    """Whether there is sound; it may have been removed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedSound:
    """The sound of a moment."""

    item: Item
    title: str
    """The recording's, as the maker reads it."""
    audio: Blob
    start: float
    end: float | None
    """None: to the end of the recording."""
    spans: tuple[SpeechSpan, ...]
    """Stretches that are hidden."""
    is_original: bool
    """Whether the file may be given as it was uploaded, with the remarks in it."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A recording as the maker of a link reads it."""

    transcript: Transcript
    muted: tuple[SpeechSpan, ...]
    is_redacted: bool
    audio: Blob | None
    """None: it was removed."""


async def shown(database: Database, opened: OpenShare) -> list[ShownMoment]:
    """Return the moments of a link that its maker may still read. Raises ShareNotFound where none is left."""
    of_item = Counter(moment.item_id for moment in opened.moments)
    found: list[ShownMoment] = []
    read: dict[int, tuple[Item, _Read] | None] = {}
    voices = _Voices(with_names=opened.share.with_names)
    async with database.snapshot() as session:
        for number, moment in enumerate(opened.moments):
            if moment.item_id not in read:
                selected = _around(moment) if of_item[moment.item_id] == 1 else EVERYTHING
                read[moment.item_id] = await _read(session, moment, opened, selected)
            entry = read[moment.item_id]
            if entry is not None:
                found.append(_shown(number, moment, *entry, title=opened.share.title, voices=voices))
    if not found:
        raise ShareNotFound
    return found


async def sound(database: Database, opened: OpenShare, number: int) -> SharedSound:
    """Return the sound of a moment. Raises ShareNotFound where there is none that may be heard."""
    if not opened.share.with_audio or not 0 <= number < len(opened.moments):
        raise ShareNotFound
    moment = opened.moments[number]
    async with database.snapshot() as session:
        entry = await _read(session, moment, opened, _around(moment))
    if entry is None:
        raise ShareNotFound
    item, read = entry
    if read.audio is None:
        raise ShareNotFound
    return SharedSound(
        item=item,
        title=read.transcript.title,
        audio=read.audio,
        start=moment.start or 0.0,
        end=moment.end,
        spans=read.muted,
        # The remarks in a file may name people.
        is_original=moment.end is None and not read.is_redacted and opened.share.with_names,
    )


async def _read(
    session: AsyncSession, moment: Moment, opened: OpenShare, selected: Selection
) -> tuple[Item, _Read] | None:
    try:
        view = await readable_item(session, moment.item_id, opened.maker)
        policy = policy_for(view)
        if policy is not None and opened.share.query is not None:
            return None  # the query, beside a place that is marked, would say what is hidden there
        loaded = None if policy is None else await load_redacted(session, view.item, policy)
    except (ItemNotFound, OriginalWithheld):
        return None
    if view.item.status != access.PUBLISHED:
        return None
    audio = await items.get_blob(session, view.item.audio_blob_id)
    if audio is not None and audio.removed_at is not None:
        audio = None
    if loaded is not None:
        return view.item, _Read(loaded.redacted.transcript, loaded.redacted.muted, is_redacted=True, audio=audio)
    found = None if policy is not None else await transcripts.load_transcript(session, view.item, selected)
    return None if found is None else (view.item, _Read(found.transcript, (), is_redacted=False, audio=audio))


def _around(moment: Moment) -> Selection:
    return Selection(start=moment.start, end=moment.end)


class _Voices:
    """Says who speaks: names where they are shown, and numbers in order of appearance for all others."""

    def __init__(self, *, with_names: bool) -> None:
        self._with_names = with_names
        self._numbers: dict[tuple[int, str], int] = {}

    def line(self, item_id: int, segment: Segment, names: Mapping[str, str]) -> Line:
        label = segment.speaker
        name = names.get(label or "")
        if name is None and label is not None and not UNNAMED_LABEL.fullmatch(label):
            name = label
        if name is not None and self._with_names:
            return Line(start=segment.start, name=name, voice=None, text=segment.text)
        voice = None if label is None else self._numbers.setdefault((item_id, label), len(self._numbers) + 1)
        return Line(start=segment.start, name=None, voice=voice, text=segment.text)


def _shown(number: int, moment: Moment, item: Item, read: _Read, *, title: str | None, voices: _Voices) -> ShownMoment:
    segments: Iterable[Segment] = read.transcript.segments
    if moment.start is not None and moment.end is not None:
        segments = cut(segments, moment.start, moment.end)
    return ShownMoment(
        number=number,
        title=title or read.transcript.title,
        language=item.language,
        start=moment.start or 0.0,
        end=(item.duration_seconds or 0.0) if moment.end is None else moment.end,
        lines=tuple(voices.line(item.id, segment, read.transcript.names) for segment in segments),
        is_redacted=read.is_redacted,
        has_audio=read.audio is not None,
    )
