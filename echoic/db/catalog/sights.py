"""What decides whether accounts may see something: the visibility of its library, and their roles there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, select

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Library, LibraryMember
from echoic.db.connect import Database
from echoic.db.reads import Query

_VISIBILITIES = Query(
    select(Library.id, Library.visibility).where(among_given(Library.id, "library_ids", BigInteger()))
)
_ROLES = Query(
    select(LibraryMember.library_id, LibraryMember.account_id, LibraryMember.role).where(
        among_given(LibraryMember.library_id, "library_ids", BigInteger()),
        among_given(LibraryMember.account_id, "account_ids", BigInteger()),
    )
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What decides whether an account may see something: the library's visibility, its own role there."""

    visibility: str
    role: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sights:
    """Several libraries as several accounts see them."""

    visibilities: Mapping[int, str]
    roles: Mapping[tuple[int, int], str]
    """By the ids of library and account."""

    def of(self, *, library_id: int, account_id: int) -> Sight | None:
        """Return a library as an account sees it; None where there is no such library."""
        visibility = self.visibilities.get(library_id)
        return None if visibility is None else Sight(visibility, self.roles.get((library_id, account_id)))


async def read_sights(database: Database, *, library_ids: Collection[int], account_ids: Collection[int]) -> Sights:
    """Return how each of the accounts sees each of the libraries, by two statements. Raises DatabaseUnavailable."""
    wanted = list(library_ids)
    visibilities = await database.read(_VISIBILITIES, library_ids=wanted) if wanted else []
    roles = await database.read(_ROLES, library_ids=wanted, account_ids=list(account_ids)) if wanted else []
    return Sights(visibilities=dict(visibilities), roles={(row[0], row[1]): row[2] for row in roles})
