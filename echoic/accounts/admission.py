"""Accounts of people whom somebody else has let in: a provider, or the reverse proxy.

The first time, the person gets the account whose sign-in name is theirs, or a new one. So nobody may choose a sign-in name that
says who another person is there: ``ReservedNames``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.accounts import group_roles, joining
from echoic.accounts.claims import Claims
from echoic.accounts.founding import create_owner
from echoic.accounts.group_roles import GroupRule, parse_rules
from echoic.accounts.names import normal_name
from echoic.db.accounts import accounts, identities, sign_ins
from echoic.errors import AccountLocked, AccountMissing, EmailNotAllowed, SignInNameReserved
from echoic.plans import FREE
from echoic.settings import Settings

PROXY = "proxy"
"""Stands for the reverse proxy among the issuers, all others of which are addresses."""
MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody whom others have let in."""

    issuer: str
    subject: str
    """Who it is there, for good."""
    name: str
    """Shown to others where an account is made."""
    sign_in_name: str | None
    """The account that signs in by this name is theirs; None: no such name is certain."""
    groups: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, kw_only=True, slots=True)
class ReservedNames:
    """Sign-in names that nobody chooses, because they say who somebody is at the provider or the proxy."""

    all_names: bool = False
    addresses: bool = False
    domains: Collection[str] = ()
    """Of the addresses; empty: all."""

    @classmethod
    def of(cls, settings: Settings) -> "ReservedNames":
        """Return the names that the settings reserve."""
        return cls(
            all_names=settings.proxy_user_header is not None,
            addresses=settings.oidc_issuer is not None,
            domains=_domains(settings),
        )

    def require_free(self, name: str, *, present: str | None = None) -> None:
        """Raise SignInNameReserved for a name that somebody chooses for an account that does not have it already."""
        if name == present:
            return
        _, sign, domain = name.rpartition("@")
        if self.all_names or (self.addresses and sign and (not self.domains or domain in self.domains)):
            raise SignInNameReserved


class Admission:
    """Gives people whom others have let in their account."""

    def __init__(self, settings: Settings) -> None:
        """Raise SettingInvalid where a rule about groups cannot be read."""
        self._settings = settings
        self._rules: Sequence[GroupRule] = parse_rules(settings.oidc_group_roles)
        self._domains = _domains(settings)

    async def by_provider(self, session: AsyncSession, claims: Claims, *, invitation: str | None) -> int:
        """Return the account of somebody who signed in at the provider, with the roles of their groups.

        Raises:
            EmailNotAllowed: the domain of their address is none of those that are let in.
            AccountLocked: the account is locked.
            AccountMissing: they have no account, and get none without an invitation.
            InvitationNotFound: the invitation that they came with cannot be used.
        """
        if self._domains and (claims.email or "").rpartition("@")[2].casefold() not in self._domains:
            raise EmailNotAllowed(f"Only addresses of {', '.join(self._domains)} are let in, and only verified ones.")
        person = Person(
            issuer=claims.issuer,
            subject=claims.subject,
            name=claims.name,
            sign_in_name=claims.email,
            groups=claims.groups,
        )
        makes_account = self._settings.oidc_new_accounts or invitation is not None
        account_id = await self._admit(session, person, makes_account=makes_account)
        if invitation is not None:
            await joining.join(session, token=invitation, account_id=account_id)
        await group_roles.apply(session, account_id, groups=claims.groups, rules=self._rules)
        return account_id

    async def by_proxy(self, session: AsyncSession, name: str) -> int:
        """Return the account of somebody whom the reverse proxy names. Raises AccountLocked."""
        person = Person(issuer=PROXY, subject=normal_name(name), name=name, sign_in_name=name)
        return await self._admit(session, person, makes_account=True)

    async def _admit(self, session: AsyncSession, person: Person, *, makes_account: bool) -> int:
        account_id = await identities.hold(session, issuer=person.issuer, subject=person.subject)
        if account_id is None:
            account_id = await self._first_time(session, person, makes_account=makes_account)
            await identities.add(session, issuer=person.issuer, subject=person.subject, account_id=account_id)
        if (await accounts.get_account(session, account_id)).locked_at is not None:
            raise AccountLocked
        await identities.touch(session, issuer=person.issuer, subject=person.subject)
        return account_id

    async def _first_time(self, session: AsyncSession, person: Person, *, makes_account: bool) -> int:
        if person.sign_in_name is not None:
            named = await sign_ins.find(session, normal_name(person.sign_in_name))
            if named is not None:
                return named.account_id
        if not makes_account:
            raise AccountMissing
        name = person.name[:MAX_NAME_CHARACTERS]
        return (await create_owner(session, self._settings, name=name, plan=FREE.name)).id


def _domains(settings: Settings) -> tuple[str, ...]:
    return tuple(domain.casefold().removeprefix("@") for domain in settings.oidc_allowed_domains)
