"""Libraries: the public ones, one's own, and subscribing to them."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic.access import Caller
from echoic.api import datasets
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import Body, UtcTime, read_json
from echoic.api.context import ComponentsDep
from echoic.api.datasets import DatasetBody
from echoic.api.lookup import MAX_LIMIT, Offset, Slug, readable_library
from echoic.api.names import Description, Name, SlugText
from echoic.api.openapi import json_body
from echoic.api.problems import Problem
from echoic.db import libraries, library_list, members
from echoic.db.datasets import list_datasets
from echoic.db.libraries import Role, Visibility
from echoic.db.library_list import ListedLibrary

router = APIRouter(tags=["libraries"], responses={"default": {"model": Problem}})


class NewLibrary(Body):
    """A library to be made."""

    slug: SlugText = Field(description="Its name in URLs; no other library may have it, and it stays.")
    name: Name
    description: Description = None
    visibility: Visibility = Field(default="private", description="public: everybody with a key may read it.")


class LibraryBody(BaseModel):
    """A library in a list."""

    slug: str
    name: str
    description: str | None
    curator: str | None = Field(description="The name of the account that owns it.")
    subscriber_count: int = Field(description="Its members.")
    dataset_count: int
    episode_count: int = Field(description="Published items in all its datasets.")
    is_subscribed: bool = Field(description="Whether you are a member.")


class LibraryDetails(LibraryBody):
    """A library with its datasets."""

    visibility: Visibility
    role: Role | None = Field(description="Yours; null: no member.")
    created_at: UtcTime
    datasets: list[DatasetBody]


class LibraryList(BaseModel):
    """Libraries, those with most members first."""

    libraries: list[LibraryBody]
    total: int = Field(description="How many there are in all.")


@router.get("/api/libraries")
async def list_public(
    caller: Reader,
    components: ComponentsDep,
    *,
    mine: Annotated[bool, Query(description="Instead: those you are a member of, private ones included.")] = False,
    limit: Annotated[int | None, Query(ge=1, le=MAX_LIMIT, description="At most so many; all, if left out.")] = None,
    offset: Offset = 0,
) -> LibraryList:
    """Every public library, those with most members first."""
    async with components.database.transaction() as session:
        found, total = await library_list.list_libraries(
            session, account_id=caller.account_id, mine=mine, limit=limit, offset=offset
        )
    return LibraryList(libraries=[LibraryBody(**_fields(listed)) for listed in found], total=total)


@router.post("/api/libraries", status_code=201, openapi_extra=json_body(NewLibrary))
async def create(caller: Manager, components: ComponentsDep, request: Request) -> LibraryDetails:
    """Make a library; you become its owner. 409 `slug_taken` where another one has that slug."""
    wanted = await read_json(request, NewLibrary)
    async with components.database.transaction() as session:
        library = await libraries.create_library(session, owner_account_id=caller.account_id, **wanted.model_dump())
        return await _details(session, library.id, library.slug, caller)


@router.get("/api/libraries/{slug}")
async def get(slug: Slug, caller: Reader, components: ComponentsDep) -> LibraryDetails:
    """A library with its datasets."""
    async with components.database.transaction() as session:
        view = await readable_library(session, slug, caller)
        return await _details(session, view.library.id, slug, caller)


@router.post("/api/libraries/{slug}/subscribe")
async def subscribe(slug: Slug, caller: Manager, components: ComponentsDep) -> LibraryDetails:
    """Become a viewer of a public library; members stay what they are."""
    async with components.database.transaction() as session:
        view = await readable_library(session, slug, caller)
        await members.join(session, library_id=view.library.id, account_id=caller.account_id)
        return await _details(session, view.library.id, slug, caller)


@router.delete("/api/libraries/{slug}/subscribe", status_code=204)
async def unsubscribe(slug: Slug, caller: Manager, components: ComponentsDep) -> None:
    """End your membership, whatever your role. 409 `last_owner` where nobody else owns the library."""
    async with components.database.transaction() as session:
        view = await readable_library(session, slug, caller)
        await members.leave(session, library_id=view.library.id, account_id=caller.account_id)


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
        "is_subscribed": listed.role is not None,
    }
