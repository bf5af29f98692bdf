"""Guessing of passwords is slowed: for each sign-in name, and for each network address that asks.

Counted in the database, so that all API processes count together and a restart forgets nothing. Every try counts before the
password is looked at, so that many tries at once are as slow as one after the other.
"""

import hashlib
import ipaddress
import math
from dataclasses import dataclass

from echoic.db.accounts import guesses
from echoic.db.connect import Database
from echoic.errors import RateLimited, TooManySignIns

IPV6_PREFIX_BITS = 64
"""One subscriber has at least a network of that size (RFC 6177)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """So many tries at once, and then one each time this many seconds have passed."""

    at_once: int
    seconds_each: float


PER_NAME = Pace(at_once=10, seconds_each=60.0)
PER_ADDRESS = Pace(at_once=30, seconds_each=10.0)
"""Several people may share an address, behind a router or a proxy that does not say whom it speaks for."""


async def count_try(database: Database, *, name: str | None, address: str | None) -> None:
    """Count a try to sign in. Raises TooManySignIns; a try that is refused does not count."""
    async with database.transaction() as session:
        for subject, pace in _subjects(name, address):
            wait = await guesses.count(session, subject=subject, at_once=pace.at_once, seconds_each=pace.seconds_each)
            if wait > 0:
                raise TooManySignIns(retry_after_seconds=math.ceil(wait))


async def count_request(database: Database, *, kind: str, of: str | None, pace: Pace) -> None:
    """Count a request of another kind than signing in, of a network address or of whatever else ``of`` names.

    Raises RateLimited; a request that is refused does not count.
    """
    if of is None:
        return
    subject = _digest(kind, _network(of))
    async with database.transaction() as session:
        wait = await guesses.count(session, subject=subject, at_once=pace.at_once, seconds_each=pace.seconds_each)
    if wait > 0:
        raise RateLimited("Too many requests; wait before the next one.", retry_after_seconds=math.ceil(wait))


def subject_of_name(name: str) -> str:
    """Return the digest that stands for a sign-in name among the counts, since people type passwords there by mistake."""
    return _digest("name", name)


def _subjects(name: str | None, address: str | None) -> list[tuple[str, Pace]]:
    subjects = []
    if address is not None:
        subjects.append((_digest("address", _network(address)), PER_ADDRESS))
    if name is not None:
        subjects.append((subject_of_name(name), PER_NAME))
    return subjects


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address  # a proxy may send a name
    if parsed.version == 4:  # noqa: PLR2004 - the version of the protocol
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX_BITS), strict=False))


def _digest(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()
