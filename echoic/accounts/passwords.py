"""Passwords as Argon2id hashes (RFC 9106). Computing one takes memory and time on purpose, so only few run at once."""

import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from echoic.errors import PasswordUnfit

if TYPE_CHECKING:
    import argon2

MIN_PASSWORD_CHARACTERS = 10
MAX_PASSWORD_CHARACTERS = 1000
"""Argon2 takes any length; this keeps a request from making it read megabytes."""

PASSES, MEMORY_KIB, LANES = 3, 65_536, 4
"""The second recommended choice of RFC 9106, section 4: 64 MiB and about 0.1 s for each guess."""

AT_ONCE = 2
"""Hashes computed at a time: together they take 128 MiB."""


class Passwords:
    """Makes and verifies hashes, in threads. Fewer passes and less memory serve tests only."""

    def __init__(self, *, passes: int = PASSES, memory_kib: int = MEMORY_KIB) -> None:
        self._passes = passes
        self._memory_kib = memory_kib
        self._room = anyio.CapacityLimiter(AT_ONCE)

    async def hashed(self, password: str) -> str:
        """Return the hash of a password with its parameters and its salt, as one text."""
        hashed: str = await anyio.to_thread.run_sync(self._hasher.hash, _bytes(password), limiter=self._room)
        return hashed

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Return whether a password has this hash; where there is no hash, it takes the same time to say no."""
        if hashed is None:
            await self.hashed(password)
            return False
        return await anyio.to_thread.run_sync(self._verify, hashed, _bytes(password), limiter=self._room)

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made with other parameters than those of today."""
        outdated: bool = self._hasher.check_needs_rehash(hashed)
        return outdated

    def _verify(self, hashed: str, password: bytes) -> bool:
        from argon2 import exceptions

        try:
            self._hasher.verify(hashed, password)
        except exceptions.VerifyMismatchError:
            return False
        return True

    @cached_property
    def _hasher(self) -> "argon2.PasswordHasher":
        from argon2 import PasswordHasher, Type

        return PasswordHasher(time_cost=self._passes, memory_cost=self._memory_kib, parallelism=LANES, type=Type.ID)


def require_fit(password: str, *, name: str) -> None:
    """Raise PasswordUnfit where a new password is too short, too long, or repeats the sign-in name."""
    length = len(password)
    if not MIN_PASSWORD_CHARACTERS <= length <= MAX_PASSWORD_CHARACTERS:
        raise PasswordUnfit(
            f"A password has {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS:,} characters; this one has {length:,}."
        )
    if password.casefold() == name.casefold():
        raise PasswordUnfit("The password must be another than the sign-in name.")


def _bytes(password: str) -> bytes:
    """Normalize a password: a keyboard may compose its letters in one way or another (NIST SP 800-63B, section 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
