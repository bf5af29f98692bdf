"""Signing in with a name and a password, and changing them. A session is what somebody has afterwards."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.accounts import guessing, joining
from echoic.accounts.admission import Admission, ReservedNames
from echoic.accounts.claims import Claims
from echoic.accounts.founding import create_owner
from echoic.accounts.names import normal_name
from echoic.accounts.passwords import Passwords, require_fit
from echoic.db.accounts import accounts, guesses, sessions, sign_in_tokens, sign_ins
from echoic.db.accounts.sessions import MadeSession
from echoic.db.accounts.sign_ins import SignIn
from echoic.db.catalog import invitations
from echoic.db.connect import Database
from echoic.db.oauth import grants
from echoic.errors import SignInRefused
from echoic.plans import FREE
from echoic.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Somebody who asks to be let in, as far as the connection tells."""

    address: str | None
    """Network address of the client, which the pace of guessing depends on."""
    program: str
    """What the client says of itself, for the list of sessions."""


class SignIns:
    """Lets people in who know a name and its password."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords | None = None,
        *,
        reserved: ReservedNames = ReservedNames(),  # noqa: B008 - it is frozen
    ) -> None:
        self._database = database
        self._passwords = passwords or Passwords()
        self._reserved = reserved

    async def enter(self, *, name: str, password: str, visitor: Visitor) -> MadeSession:
        """Begin a session. An unknown name takes as long as a wrong password and is answered alike.

        Raises:
            TooManySignIns: too many tries for this name, or from this address.
            SignInRefused: the name is unknown, the password is wrong, or the account is locked.
        """
        name = normal_name(name)
        await guessing.count_try(self._database, name=name, address=visitor.address)
        async with self._database.transaction() as session:
            found = await sign_ins.find(session, name)
        if not await self._passwords.matches(password, None if found is None else found.password_hash) or found is None:
            raise SignInRefused
        newer = await self._passwords.hashed(password) if self._passwords.is_outdated(found.password_hash) else None
        async with self._database.transaction() as session:
            row = await self._still(session, found)
            if newer is not None:
                await sign_ins.set_hash(session, row, newer)
            await guesses.forget(session, guessing.subject_of_name(name))
            if (await accounts.get_account(session, row.account_id)).locked_at is not None:
                raise SignInRefused("The account is locked; ask an administrator.")
            return await sessions.create(session, account_id=row.account_id, program=visitor.program)

    async def enter_with_token(self, token: str, *, visitor: Visitor) -> MadeSession:
        """Begin a session with a one-time token.

        Raises:
            TooManySignIns: too many tries from this address.
            SignInRefused: the token was used already, ran out, or never was.
        """
        await guessing.count_try(self._database, name=None, address=visitor.address)
        async with self._database.transaction() as session:
            account_id = await sign_in_tokens.use(session, token)
            if account_id is None:
                raise SignInRefused(
                    "The link was used already, or is older than ten minutes; 'echoic open' makes another."
                )
            return await sessions.create(session, account_id=account_id, program=visitor.program)

    async def enter_as(
        self, claims: Claims, admission: Admission, *, invitation: str | None, visitor: Visitor
    ) -> MadeSession:
        """Begin a session of somebody who signed in at the provider. Raises what ``Admission.by_provider`` raises."""
        async with self._database.transaction() as session:
            account_id = await admission.by_provider(session, claims, invitation=invitation)
            return await sessions.create(session, account_id=account_id, program=visitor.program, issuer=claims.issuer)

    async def sign_up(
        self, settings: Settings, *, token: str, name: str, sign_in_name: str, password: str, visitor: Visitor
    ) -> MadeSession:
        """Make an account by an invitation to a library, and begin a session.

        Raises:
            TooManySignIns: too many tries from this address.
            PasswordUnfit: the password is too short, too long or the sign-in name itself.
            InvitationNotFound: the invitation cannot be used.
            SignInNameTaken: another account has the sign-in name.
            SignInNameReserved: it says who somebody is at the provider or the proxy that lets people in.
        """
        await guessing.count_try(self._database, name=None, address=visitor.address)
        normal = normal_name(sign_in_name)
        self._reserved.require_free(normal)
        require_fit(password, name=normal)
        async with self._database.transaction() as session:
            await invitations.find(session, token)  # strangers shall not make the server compute hashes
        hashed = await self._passwords.hashed(password)
        async with self._database.transaction() as session:
            account = await create_owner(session, settings, name=name, plan=FREE.name)
            await sign_ins.put(session, account_id=account.id, name=normal, password_hash=hashed, is_new=True)
            await joining.join(session, token=token, account_id=account.id)
            return await sessions.create(session, account_id=account.id, program=visitor.program)

    async def make_account(self, settings: Settings, *, name: str, plan: str, sign_in_name: str, password: str) -> int:
        """Make an account that signs in with a name and a password; returns its id.

        Raises:
            PasswordUnfit: the password is too short, too long or the sign-in name itself.
            SignInNameTaken: another account has the sign-in name.
        """
        normal = normal_name(sign_in_name)
        require_fit(password, name=normal)
        hashed = await self._passwords.hashed(password)
        async with self._database.transaction() as session:
            account = await create_owner(session, settings, name=name, plan=plan)
            await sign_ins.put(session, account_id=account.id, name=normal, password_hash=hashed, is_new=True)
            return account.id

    async def change(
        self,
        account_id: int,
        *,
        name: str | None,
        password: str,
        current_password: str | None,
        visitor: Visitor,
        session_id: int | None,
    ) -> str:
        """Give an account a new password, and a sign-in name where one is given or it has none; returns the name.

        All sessions of the account end but the one that asks, ``session_id``, and so do the programs that it has connected.

        Raises:
            SignInRefused: the account has a password, and ``current_password`` is not it.
            TooManySignIns: too many tries to name the current one.
            SignInNameMissing: the account has no sign-in name yet, and none is given.
            SignInNameTaken: another account has the name.
            SignInNameReserved: it says who somebody is at the provider or the proxy that lets people in.
            PasswordUnfit: the new password is too short, too long or the name itself.
        """
        async with self._database.transaction() as session:
            found = await sign_ins.of_account(session, account_id)
        if found is not None:
            await guessing.count_try(self._database, name=found.name, address=visitor.address)
            if current_password is None or not await self._passwords.matches(current_password, found.password_hash):
                raise SignInRefused("The current password is missing or wrong.")
        wanted = sign_ins.require_name(None if name is None else normal_name(name), found)
        self._reserved.require_free(wanted, present=None if found is None else found.name)
        require_fit(password, name=wanted)
        hashed = await self._passwords.hashed(password)
        async with self._database.transaction() as session:
            if found is not None:
                await self._still(session, found)
                await guesses.forget(session, guessing.subject_of_name(found.name))
            await sign_ins.put(session, account_id=account_id, name=wanted, password_hash=hashed, is_new=found is None)
            await sessions.end_all(session, account_id=account_id, but=session_id)
            await grants.end_all(session, account_id=account_id)
        return wanted

    async def reset(self, account_id: int, *, name: str | None, password: str) -> str:
        """The same for an operator, who is asked for no current password; every session of the account ends, and every program."""
        async with self._database.transaction() as session:
            found = await sign_ins.of_account(session, account_id)
        wanted = sign_ins.require_name(None if name is None else normal_name(name), found)
        require_fit(password, name=wanted)
        hashed = await self._passwords.hashed(password)
        async with self._database.transaction() as session:
            await sign_ins.put(session, account_id=account_id, name=wanted, password_hash=hashed, is_new=found is None)
            await guesses.forget(session, guessing.subject_of_name(wanted))
            await sessions.end_all(session, account_id=account_id, but=None)
            await grants.end_all(session, account_id=account_id)
        return wanted

    async def _still(self, session: AsyncSession, found: SignIn) -> SignIn:
        """Return the sign-in, locked, where its password is still the one that was verified.

        A session that begins while the password changes would otherwise outlive the change.
        """
        row = await sign_ins.lock(session, found.account_id)
        if row is None or row.password_hash != found.password_hash:
            raise SignInRefused
        return row
