"""Routes that list, make, change and delete libraries, and that begin and end a subscription to one."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic.access import Caller, tells_of_its_own
from echoic.api import datasets
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import Body, UtcTime, read_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.datasets import DatasetBody
from echoic.api.names import Description, Name, SlugText
from echoic.api.openapi import json_body
from echoic.api.parameters import MAX_LIMIT, Offset, Slug
from echoic.api.problems import Problem
from echoic.db.catalog import libraries, library_list, members
from echoic.db.catalog.datasets import count_datasets, delete_library, list_datasets
from echoic.db.catalog.libraries import Role, Visibility
from echoic.db.catalog.library_list import ListedLibrary
from echoic.db.receipts.receipts import by_request_of
from echoic.errors import LibraryNotEmpty
from echoic.intake.sweep import discard
from echoic.reading.lookup import lasting_library, library_of_owner, readable_library

router = APIRouter(tags=["libraries"], responses={"default": {"model": Problem}})


class NewLibrary(Body):
    """A library to be made."""

    slug: SlugText = Field(description="Its name in URLs; no other library may have it, and it stays.")
    name: Name = Field(description="The library's name, for people.")
    description: Description = Field(default=None, description="A text about the library.")
    visibility: Visibility = Field(default="private", description="public: everybody with a key may read it.")


class LibraryChange(Body):
    """A change; fields that are left out stay as they are."""

    name: Name = Field(default_factory=unset, description="The library's name, for people.")
    description: Description = Field(default=None, description="Null or blank: none.")
    visibility: Visibility = Field(default_factory=unset, description="public: everybody with a key may read it.")


class LibraryBody(BaseModel):
    """A library in a list."""

    slug: str
    name: str = Field(examples=["My library"])
    description: str | None
    curator: str | None = Field(description="The name of the account that owns it.")
    subscriber_count: int = Field(description="Its members, and everybody who subscribed to it.")
    dataset_count: int
    episode_count: int = Field(description="Published items in all its datasets.")
    is_subscribed: bool = Field(description="Whether you subscribed to it, or are a member.")


class LibraryDetails(LibraryBody):
    """A library with its datasets."""

    visibility: Visibility = Field(description="`public` lets everybody with an account read what is published.")
    role: Role | None = Field(description="Yours; null: no member.")
    created_at: UtcTime
    datasets: list[DatasetBody] = Field(description="Its datasets that you may see.")


class LibraryList(BaseModel):
    """Libraries, those with most subscribers first."""

    libraries: list[LibraryBody] = Field(description="The libraries of this page.")
    total: int = Field(description="The number in all.")


@router.get("/api/libraries", operation_id="listLibraries")
async def list_public(
    caller: Reader,
    components: ComponentsDep,
    *,
    mine: Annotated[
        bool, Query(description="Instead: those you subscribed to or are a member of, private ones included.")
    ] = False,
    limit: Annotated[int | None, Query(ge=1, le=MAX_LIMIT, description="At most so many; all, if left out.")] = None,
    offset: Offset = 0,
) -> LibraryList:
    """Every public library, those with most subscribers first.

    Your own, private ones included, are listed with `mine=true` alone.
    """
    async with components.database.transaction() as session:
        found, total = await library_list.list_libraries(
            session, account_id=caller.account_id, mine=mine, limit=limit, offset=offset
        )
    return LibraryList(libraries=[LibraryBody(**_fields(listed)) for listed in found], total=total)


@router.post("/api/libraries", status_code=201, openapi_extra=json_body(NewLibrary), operation_id="createLibrary")
@tells_of_its_own
async def create(caller: Manager, components: ComponentsDep, request: Request) -> LibraryDetails:
    """Make a library; you become its owner. 409 `slug_taken` where another one has that slug."""
    wanted = await read_json(request, NewLibrary)
    async with components.database.transaction() as session:
        library = await libraries.create_library(session, owner_account_id=caller.account_id, **wanted.model_dump())
        return await _details(session, library.id, library.slug, caller)


@router.get("/api/libraries/{slug}", operation_id="getLibrary")
async def get(slug: Slug, caller: Reader, components: ComponentsDep) -> LibraryDetails:
    """A library with its datasets."""
    async with components.database.transaction() as session:
        view = await readable_library(session, slug, caller)
        return await _details(session, view.library.id, slug, caller)


@router.patch("/api/libraries/{slug}", openapi_extra=json_body(LibraryChange), operation_id="updateLibrary")
async def change(slug: Slug, caller: Manager, components: ComponentsDep, request: Request) -> LibraryDetails:
    """Rename, describe, publish or hide a library; only its owners may. Its slug stays."""
    wanted = await read_json(request, LibraryChange)
    async with components.database.transaction() as session:
        library = (await library_of_owner(session, slug, caller)).library
        await libraries.change_library(session, library, **wanted.model_dump(exclude_unset=True))
        return await _details(session, library.id, slug, caller)


@router.delete("/api/libraries/{slug}", status_code=204, operation_id="deleteLibrary")
async def delete(
    slug: Slug,
    *,
    caller: Manager,
    components: ComponentsDep,
    background: BackgroundTasks,
    force: Annotated[bool, Query(description="Also with all its datasets and their items, for good.")] = False,
) -> None:
    """Remove a library; only its owners may. 409 `library_not_empty` while it holds datasets, unless forced."""
    async with components.database.transaction() as session:
        library = (await library_of_owner(session, slug, caller)).library
        count = await count_datasets(session, library.id)
        if count and not force:
            raise LibraryNotEmpty(
                f"The library still holds {count} dataset{'s' if count > 1 else ''}; delete them first, or all at once "
                "with ?force=true."
            )
        keys = await delete_library(session, library.id, by_request_of(caller.account_id))
    # There may be thousands; those that a crash leaves are swept.
    background.add_task(discard, components.blobs, keys)


@router.post("/api/libraries/{slug}/subscribe", operation_id="subscribeToLibrary")
async def subscribe(slug: Slug, caller: Manager, components: ComponentsDep) -> LibraryDetails:
    """Follow a public library. You see of it what everybody sees; a member keeps its role."""
    async with components.database.transaction() as session:
        view = await lasting_library(session, slug, caller)
        await members.subscribe(session, library_id=view.library.id, account_id=caller.account_id)
        return await _details(session, view.library.id, slug, caller)


@router.delete("/api/libraries/{slug}/subscribe", status_code=204, operation_id="unsubscribeFromLibrary")
async def unsubscribe(slug: Slug, caller: Manager, components: ComponentsDep) -> None:
    """End your subscription or your membership, whatever your role. 409 `last_owner` where nobody else owns the library."""
    async with components.database.transaction() as session:
        view = await readable_library(session, slug, caller)
        await members.unsubscribe(session, library_id=view.library.id, account_id=caller.account_id)


async def _details(session: AsyncSession, library_id: int, slug: str, caller: Caller) -> LibraryDetails:
    listed = await library_list.get_listed(session, library_id=library_id, account_id=caller.account_id)
    page = await list_datasets(session, account_id=caller.account_id, library_slug=slug, limit=None, offset=0)
    return LibraryDetails(
        **_fields(listed),
        visibility=cast("Visibility", listed.library.visibility),
        role=cast("Role | None", listed.role),
        created_at=listed.library.created_at,
        datasets=await datasets.bodies(session, page.views),
    )


def _fields(listed: ListedLibrary) -> dict[str, Any]:
    return {
        "slug": listed.library.slug,
        "name": listed.library.name,
        "description": listed.library.description,
        "curator": listed.curator,
        "subscriber_count": listed.subscriber_count,
        "dataset_count": listed.dataset_count,
        "episode_count": listed.episode_count,
        "is_subscribed": listed.is_subscribed,
    }
