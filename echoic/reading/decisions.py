"""Decisions of people about the entities of a library: who may make them, and what each comes to."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.catalog.libraries import Library
from echoic.db.subjects import decisions
from echoic.db.subjects.decisions import Names, SubjectDecision
from echoic.db.subjects.found import FoundSubject, find_subject
from echoic.db.subjects.locks import lock_decisions
from echoic.db.subjects.readable import find_readable
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.errors import DecisionNotFound, EntityNotFound, FieldInvalid
from echoic.reading.lookup import changeable_people


async def rename(session: AsyncSession, slug: str, subject_id: int, name: str, caller: Caller) -> SubjectDecision:
    """Name a subject otherwise, in all of a library; raises EntityNameTaken, and as all decisions do.

    All of them raise LibraryNotFound, Forbidden and OriginalWithheld where the caller may not decide, and EntityNotFound.
    """
    library, (subject,) = await _to_decide(session, slug, [subject_id], caller)
    key = await decisions.key_of(session, name)
    await decisions.require_free(session, library.id, subject, key)
    names = await decisions.names_of(session, library.id, [subject.id])
    own = Names(type=subject.type, key=key)
    made = await decisions.make_subject(session, library.id, type_=subject.type, name=name)
    return await decisions.decide(
        session,
        library.id,
        [*names, *([] if own in names else [own])],
        made,
        kind="rename",
        account_id=caller.account_id,
    )


async def hide(session: AsyncSession, slug: str, subject_id: int, caller: Caller) -> SubjectDecision:
    """Leave a subject out of all lists of a library."""
    library, (subject,) = await _to_decide(session, slug, [subject_id], caller)
    names = await decisions.names_of(session, library.id, [subject.id])
    made = await decisions.make_subject(session, library.id, type_=subject.type, name=subject.name, hidden=True)
    return await decisions.decide(session, library.id, names, made, kind="hide", account_id=caller.account_id)


async def merge(
    session: AsyncSession, slug: str, subject_id: int, others: Collection[int], caller: Caller
) -> SubjectDecision:
    """Take other subjects for this one, in all of a library."""
    library, found = await _to_decide(session, slug, [subject_id, *sorted(set(others))], caller)
    subject = found[0]
    if len({one.id for one in found}) < 2:  # noqa: PLR2004 - one is nothing to merge
        raise FieldInvalid("entity_ids: an entity cannot be merged into itself.")
    names = await decisions.names_of(session, library.id, {one.id for one in found})
    made = await decisions.make_subject(session, library.id, type_=subject.type, name=subject.name)
    return await decisions.decide(session, library.id, names, made, kind="merge", account_id=caller.account_id)


async def split(
    session: AsyncSession, slug: str, subject_id: int, *, name: str, items: Collection[int], caller: Caller
) -> SubjectDecision:
    """Take what a subject is in some items for another, with a name of its own.

    Raises FieldInvalid where one of the items does not name it.
    """
    library, (subject,) = await _to_decide(session, slug, [subject_id], caller)
    names = await decisions.names_in_items(session, library.id, subject.id, items)
    missing = set(items) - {each.item_id for each in names}
    if missing:
        raise FieldInvalid(f"items: the library has no item {min(missing)} that names the entity.")
    made = await decisions.make_subject(session, library.id, type_=subject.type, name=name)
    return await decisions.decide(session, library.id, names, made, kind="split", account_id=caller.account_id)


async def undo(session: AsyncSession, slug: str, decision_id: int, caller: Caller) -> SubjectDecision:
    """Undo a decision of a library; raises DecisionNotFound and DecisionOverridden."""
    view = await changeable_people(session, slug, caller)
    await lock_decisions(session, view.library.id)
    decision = await decisions.find_decision(session, view.library.id, decision_id)
    if decision is None:
        raise DecisionNotFound
    await decisions.undo(session, decision)
    return decision


async def _to_decide(
    session: AsyncSession, slug: str, subject_ids: Collection[int], caller: Caller
) -> tuple[Library, list[FoundSubject]]:
    """Return a library about whose names the caller decides, locked, and subjects that it names."""
    view = await changeable_people(session, slug, caller)
    await lock_decisions(session, view.library.id)
    readable = await find_readable(session, account_id=caller.account_id, filters=EntityFilters(library=slug))
    found = []
    for subject_id in subject_ids:
        subject = await find_subject(session, subject_id, readable)
        if subject is None:
            raise EntityNotFound
        found.append(subject)
    return view.library, found
