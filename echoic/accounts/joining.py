"""Becoming a member of a library by an invitation, with an account that one has or with a new one."""

from dataclasses import dataclass
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import ROLES
from echoic.db.catalog import invitations, libraries, members
from echoic.db.catalog.libraries import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """A library and the role that somebody has there now."""

    slug: str
    name: str
    role: str


async def join(session: AsyncSession, *, token: str, account_id: int) -> Joined:
    """Make an account a member; a member with as much of a role keeps it, and the invitation is not used up by it.

    Raises InvitationNotFound: it ran out, was used up or revoked, or never was.
    """
    invitation = await invitations.find(session, token)
    library = await libraries.get_library(session, invitation.library_id)
    role = cast("Role", invitation.role)
    present = await libraries.view_library(session, slug=library.slug, account_id=account_id)
    if present is not None and present.role is not None and ROLES.index(present.role) >= ROLES.index(role):
        return Joined(slug=library.slug, name=library.name, role=present.role)
    await invitations.count_use(session, invitation)
    await members.set_role(session, library_id=library.id, account_id=account_id, role=role)
    return Joined(slug=library.slug, name=library.name, role=role)
