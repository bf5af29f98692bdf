"""Tries to sign in, counted by what they have in common: a sign-in name or a network address, kept as a digest."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, in_seconds


class SignInGuess(Base):
    """The tries to sign in of one subject: the digest of a sign-in name or a network address.

    ``until`` stands for the number of tries: each try moves this moment on by the seconds that one try is worth.
    """

    __tablename__ = "sign_in_guesses"

    subject: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(index=True)


async def count(session: AsyncSession, *, subject: str, at_once: int, seconds_each: float) -> float:
    """Count a try and return 0; or return the seconds to wait, and then it does not count.

    The generic cell rate algorithm (ITU-T I.371), as ``request_rates`` has it for requests.
    """
    over = select(SignInGuess.subject).where(SignInGuess.until < func.now()).with_for_update(skip_locked=True)
    await session.execute(delete(SignInGuess).where(SignInGuess.subject.in_(over)))
    each, window = func.make_interval(0, 0, 0, 0, 0, 0, seconds_each), at_once * seconds_each
    until = func.greatest(SignInGuess.until, func.now()) + each
    added = insert(SignInGuess).values(subject=subject, until=in_seconds(seconds_each))
    counted = await session.scalar(
        added.on_conflict_do_update(
            index_elements=["subject"], set_={"until": until}, where=until <= in_seconds(window)
        ).returning(SignInGuess.subject)
    )
    if counted is not None:
        return 0.0
    wait = func.extract("epoch", until - in_seconds(window))
    return max(float(await session.scalar(select(wait).where(SignInGuess.subject == subject)) or 0.0), 1.0)


async def forget(session: AsyncSession, subject: str) -> None:
    """Begin to count from nothing."""
    await session.execute(delete(SignInGuess).where(SignInGuess.subject == subject))
