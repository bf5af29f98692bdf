"""The decisions of people about the subjects of their library: kept apart from what machines find, undone one by one.

A decision says for names, in all of the library or in one item, whose they are. A trigger asks these aliases whenever a
machine stores a name, so that decisions outlive every later run; here they are applied to the names that are there.
The subject of a decision belongs to the library: the same name is another subject elsewhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Text, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, among
from echoic.db.items.items import Item
from echoic.db.subjects.found import FoundSubject
from echoic.db.subjects.subjects import Subject
from echoic.errors import DecisionOverridden, EntityNameTaken

Kind = Literal["merge", "split", "rename", "hide"]


class SubjectDecision(Base):
    """One decision, with all that it changed, so that it can be undone."""

    __tablename__ = "subject_decisions"
    __table_args__ = (CheckConstraint("kind IN ('merge', 'split', 'rename', 'hide')", name="kind"),)

    id: Mapped[PrimaryKey]
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"), index=True)
    kind: Mapped[Kind] = mapped_column(Text)
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), index=True)
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """``aliases``: objects with ``type``, ``key``, ``item_id``, and the subject ``before`` and ``after`` (null: by rule)."""
    created_at: Mapped[CreatedAt]
    undone_at: Mapped[datetime | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Names with a key, in all of a library or in one item."""

    type: str
    key: str
    item_id: int | None = None


async def key_of(session: AsyncSession, name: str) -> str:
    """Return the key by which names are the same."""
    return str(await session.scalar(select(func.echoic_subject_key_v1(name))))


_NAMES = text("""
    SELECT DISTINCT entities.type, echoic_subject_key_v1(entities.name) AS key, CAST(NULL AS bigint) AS item_id
    FROM entities JOIN items ON items.id = entities.item_id JOIN datasets ON datasets.id = items.dataset_id
    WHERE entities.subject_id = ANY(CAST(:subjects AS bigint[])) AND datasets.library_id = :library_id
        AND NOT EXISTS (SELECT FROM subject_aliases alias
            WHERE alias.library_id = :library_id AND alias.type = entities.type
                AND alias.key = echoic_subject_key_v1(entities.name) AND alias.item_id = items.id)
    UNION SELECT type, key, item_id FROM subject_aliases
    WHERE subject_id = ANY(CAST(:subjects AS bigint[])) AND library_id = :library_id
    UNION SELECT type, key, NULL FROM subjects WHERE id = ANY(CAST(:subjects AS bigint[])) AND library_id IS NULL
    ORDER BY 1, 2, 3
""")
_NAMES_IN_ITEMS = text("""
    SELECT DISTINCT entities.type, echoic_subject_key_v1(entities.name) AS key, items.id AS item_id
    FROM entities JOIN items ON items.id = entities.item_id JOIN datasets ON datasets.id = items.dataset_id
    WHERE entities.subject_id = :subject AND datasets.library_id = :library_id
        AND items.id = ANY(CAST(:items AS bigint[])) ORDER BY 1, 2, 3
""")


async def names_of(session: AsyncSession, library_id: int, subjects: Collection[int]) -> list[Names]:
    """Return all names that are these subjects in a library."""
    rows = await session.execute(_NAMES, {"subjects": list(subjects), "library_id": library_id})
    return [Names(type=row.type, key=row.key, item_id=row.item_id) for row in rows]


async def names_in_items(
    session: AsyncSession, library_id: int, subject_id: int, items: Collection[int]
) -> list[Names]:
    """Return the names that are a subject in some items of a library."""
    asked = {"subject": subject_id, "library_id": library_id, "items": list(items)}
    return [
        Names(type=row.type, key=row.key, item_id=row.item_id) for row in await session.execute(_NAMES_IN_ITEMS, asked)
    ]


_TAKEN = text("""
    SELECT bool_and(subjects.hidden)
    FROM entities JOIN items ON items.id = entities.item_id JOIN datasets ON datasets.id = items.dataset_id
        JOIN subjects ON subjects.id = entities.subject_id
    WHERE datasets.library_id = :library_id AND subjects.id <> :subject AND subjects.type = :type AND subjects.key = :key
        AND (subjects.library_id IS NULL OR subjects.library_id = :library_id)
""")


async def require_free(session: AsyncSession, library_id: int, subject: FoundSubject, key: str) -> None:
    """Raise EntityNameTaken where another subject of a library is named by a key."""
    asked = {"library_id": library_id, "type": subject.type, "key": key, "subject": subject.id}
    match await session.scalar(_TAKEN, asked):
        case True:
            raise EntityNameTaken("The library has hidden what that name meant; undo the decision that hides it first.")
        case False:
            raise EntityNameTaken


async def make_subject(
    session: AsyncSession, library_id: int, *, type_: str, name: str, hidden: bool = False
) -> Subject:
    """Make a subject of a library."""
    subject = Subject(library_id=library_id, type=type_, key=await key_of(session, name), name=name, hidden=hidden)
    session.add(subject)
    await session.flush()
    return subject


_ALIAS = text("""
    SELECT subject_id FROM subject_aliases WHERE library_id = :library_id AND type = :type AND key = :key
        AND coalesce(item_id, 0) = coalesce(CAST(:item_id AS bigint), 0)
""")
_SET_ALIAS = text("""
    INSERT INTO subject_aliases (library_id, type, key, item_id, subject_id)
    VALUES (:library_id, :type, :key, :item_id, :subject_id)
    ON CONFLICT (library_id, type, key, coalesce(item_id, 0)) DO UPDATE SET subject_id = excluded.subject_id
""")
_DROP_ALIAS = text("""
    DELETE FROM subject_aliases WHERE library_id = :library_id AND type = :type AND key = :key
        AND coalesce(item_id, 0) = coalesce(CAST(:item_id AS bigint), 0)
""")
# Writing a name asks the trigger once more whose it is; each item is counted again when the transaction commits.
_RELABEL = text("""
    WITH touched AS (
        UPDATE entities SET name = entities.name
        FROM items JOIN datasets ON datasets.id = items.dataset_id
        WHERE items.id = entities.item_id AND datasets.library_id = :library_id
            AND (CAST(:item_id AS bigint) IS NULL OR items.id = :item_id)
            AND entities.type = :type AND echoic_subject_key_v1(entities.name) = :key
            AND entities.subject_id IN (
                SELECT id FROM subjects WHERE type = :type AND key = :key AND library_id IS NULL
                UNION SELECT subject_id FROM subject_aliases
                WHERE library_id = :library_id AND type = :type AND key = :key
                UNION SELECT unnest(CAST(:had AS bigint[])))
        RETURNING items.id
    )
    INSERT INTO subject_changes (transaction, item_id)
    SELECT DISTINCT pg_current_xact_id()::text::bigint, id FROM touched
""")


async def decide(
    session: AsyncSession,
    library_id: int,
    names: Sequence[Names],
    subject: Subject,
    *,
    kind: Kind,
    account_id: int,
) -> SubjectDecision:
    """Make names a subject's, those that are there and those to come, and keep what was before."""
    changes = []
    for each in names:
        place = _place(library_id, each.type, each.key, each.item_id)
        before = await session.scalar(_ALIAS, place)
        await _set(session, place, before, subject.id)
        changes.append({**place, "before": before, "after": subject.id})
    decision = SubjectDecision(
        library_id=library_id,
        account_id=account_id,
        kind=kind,
        subject_id=subject.id,
        changes={"aliases": changes, "name": subject.name},
    )
    session.add(decision)
    await session.flush()
    await session.refresh(decision)
    return decision


async def undo(session: AsyncSession, decision: SubjectDecision) -> None:
    """Give the names of a decision back to whom they were. Raises DecisionOverridden where a later one changed them.

    What was decided of an item alone is gone with the item.
    """
    changes = decision.changes["aliases"]
    of_items = {change["item_id"] for change in changes} - {None}
    left = {None, *await session.scalars(select(Item.id).where(among(Item.id, of_items)))}
    changes = [change for change in changes if change["item_id"] in left]
    for change in changes:
        place = _place(decision.library_id, change["type"], change["key"], change["item_id"])
        if await session.scalar(_ALIAS, place) != change["after"]:
            raise DecisionOverridden
    for change in changes:
        place = _place(decision.library_id, change["type"], change["key"], change["item_id"])
        await _set(session, place, change["after"], change["before"])
    decision.undone_at = await session.scalar(select(func.now()))
    await session.flush()


async def _set(session: AsyncSession, place: dict[str, Any], before: int | None, after: int | None) -> None:
    if after is None:
        await session.execute(_DROP_ALIAS, place)
    else:
        await session.execute(_SET_ALIAS, {**place, "subject_id": after})
    await session.execute(_RELABEL, {**place, "had": [] if before is None else [before]})


def _place(library_id: int, type_: str, key: str, item_id: int | None) -> dict[str, Any]:
    return {"library_id": library_id, "type": type_, "key": key, "item_id": item_id}


async def list_decisions(
    session: AsyncSession, library_id: int, *, limit: int, offset: int
) -> tuple[list[SubjectDecision], int]:
    """Return the decisions of a library, the newest first, and how many there are."""
    of_library = select(SubjectDecision).where(SubjectDecision.library_id == library_id)
    total = await session.scalar(select(func.count()).select_from(of_library.subquery()))
    rows = await session.scalars(of_library.order_by(SubjectDecision.id.desc()).limit(limit).offset(offset))
    return list(rows), total or 0


async def find_decision(session: AsyncSession, library_id: int, decision_id: int) -> SubjectDecision | None:
    """Return one decision of a library."""
    return await session.scalar(
        select(SubjectDecision).where(SubjectDecision.id == decision_id, SubjectDecision.library_id == library_id)
    )
