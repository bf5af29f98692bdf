"""People who speak, over all libraries of somebody."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.names import NamePart
from echoic.api.parameters import DEFAULT_LIMIT, MAX_SLUG_CHARACTERS, Limit, Offset
from echoic.api.patterns import SLUG_CHARACTERS
from echoic.api.problems import Problem
from echoic.api.speakers import SpeakerBody
from echoic.reading.speakers import find_people

router = APIRouter(tags=["speakers"], responses={"default": {"model": Problem}})


class PersonBody(SpeakerBody):
    """Somebody, with the library that knows them."""

    library: str = Field(description="Its slug.")


class PersonList(BaseModel):
    """One page of people, by library and name."""

    speakers: list[PersonBody]
    total: int
    limit: int
    offset: int


@router.get("/api/speakers", operation_id="findSpeakers")
async def find(
    *,
    caller: Reader,
    components: ComponentsDep,
    q: Annotated[NamePart | None, Query(description="Part of a name, in any case.")] = None,
    library: Annotated[
        str | None, Query(max_length=MAX_SLUG_CHARACTERS, pattern=SLUG_CHARACTERS, description="Slug: only its people.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> PersonList:
    """The people whom the libraries know that you are a member of or follow; those that hide names from you are left out."""
    async with components.database.transaction() as session:
        found, total = await find_people(session, caller, query=q, library=library, limit=limit, offset=offset)
    bodies = [
        PersonBody(library=one.library, **SpeakerBody.model_validate(one.speaker, from_attributes=True).model_dump())
        for one in found
    ]
    return PersonList(speakers=bodies, total=total, limit=limit, offset=offset)
