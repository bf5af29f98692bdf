"""Roles in libraries by group: a setting says which group of the provider gives which role where.

The roles are set at each sign-in. A group only raises the role that somebody has by hand, which comes back when the group ends.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import ROLES
from echoic.db.catalog import group_roles, members
from echoic.db.catalog.group_roles import Given
from echoic.db.catalog.libraries import Role
from echoic.errors import LastOwner, SettingInvalid
from echoic.logs import get_logger

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRule:
    """A group whose members have a role in a library."""

    group: str
    library: str
    """Its slug."""
    role: Role


def parse_rules(texts: Sequence[str]) -> tuple[GroupRule, ...]:
    """Return the rules of the setting, each written ``group=library:role``. Raises SettingInvalid."""
    return tuple(_rule(text) for text in texts)


def _rule(text: str) -> GroupRule:
    group, _, target = text.rpartition("=")
    library, _, role = target.partition(":")
    if not group or not library or role not in get_args(Role):
        raise SettingInvalid(
            f"ECHOIC_OIDC_GROUP_ROLES: {text!r} is not group=library:role, where the role is one of {', '.join(ROLES)}."
        )
    return GroupRule(group=group, library=library, role=cast("Role", role))


async def apply(session: AsyncSession, account_id: int, *, groups: Collection[str], rules: Sequence[GroupRule]) -> None:
    """Give an account the roles of its groups, and take away those of groups that it has left."""
    wanted = await _wanted(session, groups, rules)
    given = await group_roles.list_given(session, account_id)
    for library_id in sorted(wanted.keys() | given.keys()):
        await _settle(session, account_id, library_id, wanted=wanted.get(library_id), given=given.get(library_id))


async def _wanted(session: AsyncSession, groups: Collection[str], rules: Sequence[GroupRule]) -> Mapping[int, Role]:
    wanted: dict[int, Role] = {}
    for rule in rules:
        if rule.group not in groups:
            continue
        library_id = await group_roles.library_of(session, rule.library)
        if library_id is None:
            logger.warning("group_role_without_library", library=rule.library, group=rule.group)
        elif library_id not in wanted or ROLES.index(rule.role) > ROLES.index(wanted[library_id]):
            wanted[library_id] = rule.role
    return wanted


async def _settle(
    session: AsyncSession, account_id: int, library_id: int, *, wanted: Role | None, given: Given | None
) -> None:
    present = await group_roles.role_of(session, account_id=account_id, library_id=library_id)
    is_of_group = given is not None and present == given.role  # else somebody has changed it by hand since
    before = given.before if given is not None and is_of_group else present
    is_needed = wanted is not None and (before is None or ROLES.index(before) < ROLES.index(wanted))
    role = wanted if is_needed else before
    if role != present:
        try:
            async with session.begin_nested():
                await _change(session, account_id, library_id, role)
        except LastOwner:
            logger.warning("group_role_kept", library_id=library_id, account_id=account_id, why="It is the last owner.")
            return
    kept = Given(wanted, before) if wanted is not None and is_needed else None
    await group_roles.put_given(session, account_id=account_id, library_id=library_id, given=kept)


async def _change(session: AsyncSession, account_id: int, library_id: int, role: Role | None) -> None:
    if role is None:
        await members.leave(session, library_id=library_id, account_id=account_id)
    else:
        await members.set_role(session, library_id=library_id, account_id=account_id, role=role)
