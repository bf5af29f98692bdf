"""Ending that somebody known elsewhere has an account: a person of the OpenID Connect provider, or of the proxy."""

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.accounts import group_roles
from echoic.db.accounts import identities, sessions
from echoic.db.oauth import grants
from echoic.errors import IdentityNotFound


async def detach(session: AsyncSession, account_id: int, *, issuer: str, subject: str) -> None:
    """Let an identity lead to an account no longer, and end the sessions that were begun at its issuer, with the
    programs that were connected in them.

    With the last identity go the roles that groups gave. Raises IdentityNotFound: the account has no such identity.
    """
    if not await identities.remove(session, account_id=account_id, issuer=issuer, subject=subject):
        raise IdentityNotFound
    await sessions.end_of_issuer(session, account_id=account_id, issuer=issuer)
    await grants.end_of_issuer(session, account_id=account_id, issuer=issuer)
    if not await identities.list_of(session, account_id):
        await group_roles.apply(session, account_id, groups=(), rules=())
