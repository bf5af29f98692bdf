"""The confinement of files that attack the server: see docs/security.md."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.problems import Problem
from echoic.db.roles import own_role
from echoic.intake.probe import refusals_named

router = APIRouter(tags=["health"], responses={"default": {"model": Problem}})


class LayerBody(BaseModel):
    """One layer around the process that opens media."""

    name: str = Field(examples=["system_calls"], description="The layer's name.")
    holds: bool = Field(description="Whether the machine of the API has it; workers on others may differ.")
    meaning: str = Field(description="What the layer keeps away.")


class RoleBody(BaseModel):
    """The role of the database that the program works as."""

    name: str = Field(examples=["echoic"])
    is_superuser: bool = Field(
        description="Such a role can start programs on the database's machine; it is not needed."
    )


class ConfinementBody(BaseModel):
    """The layers of confinement on this server."""

    decoder: list[LayerBody] = Field(description="The layers around the process that opens recordings.")
    database: RoleBody


@router.get("/api/confinement", operation_id="getConfinement")
async def get(_: Reader, components: ComponentsDep) -> ConfinementBody:
    """The layers that confine the process that opens media, and whether the database's role may do more than it needs."""
    with refusals_named():
        layers = await components.confinement.layers()
    async with components.database.transaction() as session:
        role = await own_role(session)
    return ConfinementBody(
        decoder=[LayerBody(name=layer.name, holds=layer.holds, meaning=layer.meaning) for layer in layers],
        database=RoleBody(name=role.name, is_superuser=role.is_superuser),
    )
