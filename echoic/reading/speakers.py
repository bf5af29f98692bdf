"""The people whom libraries know by name, with what a caller may know of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.access import Caller
from echoic.db.catalog import libraries, library_list
from echoic.db.catalog.libraries import LibraryView
from echoic.db.catalog.rights import Rights
from echoic.db.speakers import appearances, speakers, speaking
from echoic.db.speakers.appearances import Appearance
from echoic.db.speakers.speakers import KnownSpeaker
from echoic.db.speakers.speaking import VoiceSample
from echoic.errors import SpeakerNotFound
from echoic.reading.lookup import readable_people
from echoic.reading.redacted import policy_for
from echoic.reading.titles import shown_text


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSpeaker:
    """Somebody whom a library knows by name."""

    id: int
    name: str
    appearances: int
    """Labels of items under which they speak."""
    items: int
    """In so many items they speak."""
    voiceprints: int
    """Samples that they are recognized by."""
    seconds: float
    """The time they speak in all these places together."""
    sample: VoiceSample | None
    """A place where their voice can be heard."""


async def list_shown(
    session: AsyncSession, view: LibraryView, *, query: str | None, limit: int, offset: int
) -> tuple[list[ShownSpeaker], int]:
    """Return a page of a library's people by name, and how many there are; ``query`` is a part of a name, in any case.

    Those who are no members see who speaks in its published items.
    """
    published_only = not access.sees_unpublished(view.role)
    found, total = await speakers.list_speakers(
        session, view.library.id, query=query, published_only=published_only, limit=limit, offset=offset
    )
    return await _spoken(session, found, published_only=published_only), total


async def shown_speaker(session: AsyncSession, view: LibraryView, speaker_id: int) -> ShownSpeaker:
    """Return one of a library's people. Raises SpeakerNotFound."""
    return await _one(session, view.library.id, speaker_id, published_only=not access.sees_unpublished(view.role))


async def whole_speaker(session: AsyncSession, library_id: int, speaker_id: int) -> ShownSpeaker:
    """Return one of a library's people as its members see them. Raises SpeakerNotFound."""
    return await _one(session, library_id, speaker_id, published_only=False)


async def list_appearances_of(
    session: AsyncSession, view: LibraryView, speaker_id: int, *, limit: int, offset: int
) -> tuple[list[Appearance], int]:
    """Return the places where one of a library's people speaks, the newest items first, and how many there are.

    Raises SpeakerNotFound.
    """
    await shown_speaker(session, view, speaker_id)
    published_only = not access.sees_unpublished(view.role)
    found, total = await appearances.list_appearances(
        session, speaker_id, published_only=published_only, limit=limit, offset=offset
    )
    return [_titled(one, view) for one in found], total


def _titled(appearance: Appearance, view: LibraryView) -> Appearance:
    policy = policy_for(Rights(view.library.visibility, view.role, appearance.redaction))
    if policy is None:
        return appearance
    # Whoever may ask for people by name is not hidden any names.
    return replace(appearance, title=shown_text(appearance.title, policy, ()))


async def _one(session: AsyncSession, library_id: int, speaker_id: int, *, published_only: bool) -> ShownSpeaker:
    found, _ = await speakers.list_speakers(
        session, library_id, ids=[speaker_id], published_only=published_only, limit=1, offset=0
    )
    if not found:
        raise SpeakerNotFound
    (shown,) = await _spoken(session, found, published_only=published_only)
    return shown


async def _spoken(session: AsyncSession, found: Sequence[KnownSpeaker], *, published_only: bool) -> list[ShownSpeaker]:
    spoken = await speaking.speaking_of(session, [speaker.id for speaker in found], published_only=published_only)
    return [
        ShownSpeaker(
            id=speaker.id,
            name=speaker.name,
            appearances=speaker.appearances,
            items=speaker.items,
            voiceprints=speaker.voiceprints,
            seconds=spoken[speaker.id].seconds if speaker.id in spoken else 0.0,
            sample=spoken[speaker.id].sample if speaker.id in spoken else None,
        )
        for speaker in found
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownPerson:
    """Somebody, and the library that knows them."""

    library: str
    """Slug."""
    speaker: ShownSpeaker


async def find_people(
    session: AsyncSession, caller: Caller, *, query: str | None, library: str | None, limit: int, offset: int
) -> tuple[list[ShownPerson], int]:
    """Return a page of the people of one library, or of all that the caller is a member of or follows, and how many.

    Libraries that hide names from the caller are left out; one that is asked for by its slug raises OriginalWithheld, or
    LibraryNotFound. ``query`` is a part of a name, in any case.
    """
    if library is not None:
        views = [await readable_people(session, library, caller)]
    else:
        listed, _ = await library_list.list_libraries(
            session, account_id=caller.account_id, mine=True, limit=None, offset=0
        )
        views = [
            LibraryView(library=one.library, role=one.role)
            for one in listed
            if not await libraries.hides_names(session, library_id=one.library.id, role=one.role)
        ]
    people: list[ShownPerson] = []
    total = 0
    for view in views:
        # Of a library that lies before or behind the page the number alone is wanted.
        wanted = max(limit - len(people), 0)
        found, count = await list_shown(session, view, query=query, limit=wanted, offset=max(offset - total, 0))
        people += [ShownPerson(library=view.library.slug, speaker=speaker) for speaker in found]
        total += count
    return people, total
