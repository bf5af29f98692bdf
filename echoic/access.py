"""The rules for reading, uploading and managing, and for refusals that must look like absence. Pure."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from echoic.errors import (
    AdminOnly,
    DatasetNotFound,
    Forbidden,
    ItemNotFound,
    LibraryNotFound,
    OriginalWithheld,
    ScopeMissing,
)

UPLOAD_ROLES = ("owner", "editor")
"""The roles that may change the content of a library; an owner may also remove datasets and choose members."""
OWNER = "owner"
ROLES = ("viewer", "editor", "owner")
"""From the one that may do least to the one that may do most."""
READ = "read"
"""The scope of a key that may read."""
PUBLISHED = "published"
"""The one state in which an item exists for those who are not members of its library."""


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_OF_ITS_OWN = "tells_of_its_own"


def tells_of_its_own(endpoint: Endpoint) -> Endpoint:
    """Marks a route whose answer tells of nothing but what the request itself has made or sent."""
    setattr(endpoint, _OF_ITS_OWN, True)
    return endpoint


def is_of_its_own(endpoint: object) -> bool:
    """Return whether a route is marked so: it may answer a key that may not read."""
    return hasattr(endpoint, _OF_ITS_OWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The caller of a request: an account through one of its keys, a session, a program that it has connected, or by the word
    of a trusted proxy.

    One that a proxy names has neither key nor session nor grant.
    """

    account_id: int
    key_id: int | None
    plan: str
    scopes: frozenset[str]
    """The scopes of the key; a session has all scopes."""
    session_id: int | None = None
    grant_id: int | None = None
    """Of a program with an access token of OAuth, what the account has granted it."""
    is_admin: bool = False
    """True where the account may make, change and remove accounts."""


def require_scope(caller: Caller, scope: str) -> None:
    """Raise ScopeMissing where the key was not made for this kind of call."""
    if scope not in caller.scopes:
        raise ScopeMissing(f"The API key lacks the scope '{scope}'.")


def require_grantable(caller: Caller, scopes: Iterable[str]) -> None:
    """Raise ScopeMissing where a key would be given a scope that the caller's own key lacks."""
    for scope in scopes:
        if scope not in caller.scopes:
            raise ScopeMissing(f"The API key lacks the scope '{scope}' and cannot give it to another key.")


def require_admin(caller: Caller) -> None:
    """Raise AdminOnly where the caller is no administrator."""
    if not caller.is_admin:
        raise AdminOnly


def may_see(*, visibility: str, role: str | None) -> bool:
    """Members see their libraries; everybody with a key sees the public ones."""
    return role is not None or visibility == "public"


def sees_unpublished(role: str | None) -> bool:
    """Members see a library's items in every state; for everybody else only published ones exist."""
    return role is not None


def sees_vocabulary(role: str | None) -> bool:
    """Members see the names and terms that a dataset's settings hold; everybody else sees the other settings."""
    return role is not None


def sees_work(role: str | None) -> bool:
    """Members see the work on an item; everybody else sees a published item as its transcript was published."""
    return role is not None


def reads_original(*, role: str | None, original_roles: Collection[str] | None) -> bool:
    """Return whether a role reads what is said in a dataset as it is, with nothing redacted.

    ``original_roles`` are those that the dataset's policy names; None: it has no policy.
    """
    return original_roles is None or role in original_roles


def require_original(*, role: str | None, original_roles: Collection[str] | None, message: str | None = None) -> None:
    """Raise OriginalWithheld where the role reads what is said in the dataset redacted only."""
    if not reads_original(role=role, original_roles=original_roles):
        raise OriginalWithheld(message)


def require_policy_change(role: str | None) -> None:
    """Raise Forbidden where the role may not say what is redacted, and for whom."""
    if role != OWNER:
        raise Forbidden("Only an owner of the library may say what is redacted.")


def require_retention_change(role: str | None) -> None:
    """Raise Forbidden where the role may not say when things are deleted, nor keep them from being deleted."""
    if role != OWNER:
        raise Forbidden("Only an owner of the library may set deadlines and legal holds.")


def may_see_item(*, visibility: str, role: str | None, status: str) -> bool:
    """Return whether the caller may see the item's library, and the item in it."""
    return may_see(visibility=visibility, role=role) and (sees_unpublished(role) or status == PUBLISHED)


def require_dataset_upload(*, visibility: str, role: str | None) -> None:
    """Raise DatasetNotFound where the caller may not even see the dataset, Forbidden where it may not upload there."""
    if not may_see(visibility=visibility, role=role):
        raise DatasetNotFound
    if role not in UPLOAD_ROLES:
        raise Forbidden


def require_dataset_read(*, visibility: str, role: str | None) -> None:
    """Raise DatasetNotFound where the caller may not see the dataset."""
    if not may_see(visibility=visibility, role=role):
        raise DatasetNotFound


def require_item_read(*, visibility: str, role: str | None, status: str) -> None:
    """Raise ItemNotFound where the caller may not see the item."""
    if not may_see_item(visibility=visibility, role=role, status=status):
        raise ItemNotFound


def require_item_change(*, visibility: str, role: str | None, status: str) -> None:
    """Raise ItemNotFound where the caller may not see the item, Forbidden where it may not change it."""
    require_item_read(visibility=visibility, role=role, status=status)
    if role not in UPLOAD_ROLES:
        raise Forbidden("You may see this item but not change it.")


def require_item_history(*, visibility: str, role: str | None, status: str) -> None:
    """Raise ItemNotFound where the caller may not see the item, Forbidden where it may not see what it said before."""
    require_item_read(visibility=visibility, role=role, status=status)
    if role is None:
        raise Forbidden("Only members of the library may read earlier versions.")


def require_dataset_change(*, visibility: str, role: str | None) -> None:
    """Raise DatasetNotFound where the caller may not see the dataset, Forbidden where it may not change it."""
    require_dataset_read(visibility=visibility, role=role)
    if role not in UPLOAD_ROLES:
        raise Forbidden("You may see this dataset but not change it.")


def require_dataset_delete(*, visibility: str, role: str | None) -> None:
    """Raise DatasetNotFound where the caller may not see the dataset, Forbidden where it may not remove it."""
    require_dataset_read(visibility=visibility, role=role)
    if role != OWNER:
        raise Forbidden("Only an owner of the library may delete its datasets.")


def require_library_read(*, visibility: str, role: str | None) -> None:
    """Raise LibraryNotFound where the caller may not see the library."""
    if not may_see(visibility=visibility, role=role):
        raise LibraryNotFound


def require_library_change(*, visibility: str, role: str | None) -> None:
    """Raise LibraryNotFound where the caller may not see the library, Forbidden where it may not add datasets to it."""
    require_library_read(visibility=visibility, role=role)
    if role not in UPLOAD_ROLES:
        raise Forbidden("You may see this library but not change it.")


def require_library_member(*, visibility: str, role: str | None) -> None:
    """Raise LibraryNotFound where the caller may not see the library, Forbidden where it is no member."""
    require_library_read(visibility=visibility, role=role)
    if role is None:
        raise Forbidden("Only members of the library may do that.")


def require_library_owner(*, visibility: str, role: str | None) -> None:
    """Raise LibraryNotFound where the caller may not see the library, Forbidden where it does not own it."""
    require_library_read(visibility=visibility, role=role)
    if role != OWNER:
        raise Forbidden("Only an owner of the library may do that.")
