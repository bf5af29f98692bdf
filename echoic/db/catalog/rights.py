"""The rights of accounts in libraries: the visibility of the library, and the role of the account there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

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
class Rights:
    """The rights of one account in one library."""

    visibility: str
    role: str | None
    redaction: Mapping[str, Any] | None = None
    """The policy of the dataset that was asked about; None where it has none, or a library was asked about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RightsByLibrary:
    """The rights of several accounts in several libraries."""

    visibilities: Mapping[int, str]
    roles: Mapping[tuple[int, int], str]
    """By the ids of library and account."""

    def of(self, *, library_id: int, account_id: int) -> Rights | None:
        """Return the rights of an account in a library; None where there is no such library."""
        visibility = self.visibilities.get(library_id)
        return None if visibility is None else Rights(visibility, self.roles.get((library_id, account_id)))


async def read_rights(
    database: Database, *, library_ids: Collection[int], account_ids: Collection[int]
) -> RightsByLibrary:
    """Read the rights of each account in each library, by two statements. Raises DatabaseUnavailable."""
    wanted = list(library_ids)
    visibilities = await database.read(_VISIBILITIES, library_ids=wanted) if wanted else []
    roles = await database.read(_ROLES, library_ids=wanted, account_ids=list(account_ids)) if wanted else []
    return RightsByLibrary(visibilities=dict(visibilities), roles={(row[0], row[1]): row[2] for row in roles})
