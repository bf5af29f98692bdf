"""Decisions of people about the entities of a library: merged, split, renamed and hidden by hand, and undone."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.requests import Request

from echoic.api.auth import Manager, Reader
from echoic.api.bodies import WHOLE, Body, read_json
from echoic.api.context import ComponentsDep
from echoic.api.names import Name
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Limit, Offset, Slug
from echoic.api.problems import Problem
from echoic.api.subjects import EntityId
from echoic.db.subjects import decisions
from echoic.db.subjects.decisions import SubjectDecision
from echoic.reading import decisions as deciding
from echoic.reading.lookup import people_of_member

router = APIRouter(tags=["entities"], responses={"default": {"model": Problem}})

ENTITY = "/api/libraries/{slug}/entities/{entity_id}"
DECISIONS = "/api/libraries/{slug}/entity-decisions"
MAX_ENTITIES = 100
MAX_ITEMS = 1_000

DecisionId = Annotated[int, Path(ge=1, le=MAX_ID, description="The `id` in the list of decisions.")]
EntityIdInBody = Annotated[int, Field(ge=1, le=MAX_ID), WHOLE]


class EntityChange(Body):
    """Another name of an entity."""

    name: Name = Field(description="As the library shall show it.")


class EntityMerge(Body):
    """Entities that are one."""

    entity_ids: list[EntityIdInBody] = Field(
        min_length=1, max_length=MAX_ENTITIES, description="They become this one, and take its name and type."
    )


class EntitySplit(Body):
    """Items in which the name is somebody or something else."""

    name: Name = Field(description="Of the other entity.")
    items: list[EntityIdInBody] = Field(
        min_length=1, max_length=MAX_ITEMS, description="Ids of the items in which the name means the other entity."
    )


class EntityDecisionBody(BaseModel):
    """One decision about the entities of a library."""

    id: int
    kind: Literal["merge", "split", "rename", "hide"] = Field(description="What was decided.")
    entity_id: int = Field(description="The entity that came of it.")
    name: str = Field(description="The name of that entity.")
    account_id: int | None = Field(description="Whose decision it was; null where the account was removed.")
    created_at: datetime = Field(description="The time of the decision.")
    undone_at: datetime | None = Field(description="The time when it was undone; null while it counts.")


class EntityDecisionList(BaseModel):
    """One page of the decisions of a library, the newest first."""

    decisions: list[EntityDecisionBody] = Field(description="The decisions of this page.")
    total: int
    limit: int
    offset: int


def _body(decision: SubjectDecision) -> EntityDecisionBody:
    return EntityDecisionBody(
        id=decision.id,
        kind=decision.kind,
        entity_id=decision.subject_id,
        name=decision.changes["name"],
        account_id=decision.account_id,
        created_at=decision.created_at,
        undone_at=decision.undone_at,
    )


@router.patch(ENTITY, openapi_extra=json_body(EntityChange), operation_id="renameEntity")
async def rename(
    slug: Slug, entity_id: EntityId, caller: Manager, components: ComponentsDep, request: Request
) -> EntityDecisionBody:
    """Name an entity otherwise in all of a library, past and to come. 409 `entity_name_taken`: merge the two.

    Names with the new spelling count for it from now on, too.
    """
    wanted = await read_json(request, EntityChange)
    async with components.database.transaction() as session:
        return _body(await deciding.rename(session, slug, entity_id, wanted.name, caller))


@router.post(ENTITY + "/merge", openapi_extra=json_body(EntityMerge), operation_id="mergeEntities")
async def merge(
    slug: Slug, entity_id: EntityId, caller: Manager, components: ComponentsDep, request: Request
) -> EntityDecisionBody:
    """Take other entities for this one in all of a library, past and to come."""
    wanted = await read_json(request, EntityMerge)
    async with components.database.transaction() as session:
        return _body(await deciding.merge(session, slug, entity_id, wanted.entity_ids, caller))


@router.post(ENTITY + "/split", status_code=201, openapi_extra=json_body(EntitySplit), operation_id="splitEntity")
async def split(
    slug: Slug, entity_id: EntityId, caller: Manager, components: ComponentsDep, request: Request
) -> EntityDecisionBody:
    """Take the name in some items for somebody or something else, also when these are transcribed again."""
    wanted = await read_json(request, EntitySplit)
    async with components.database.transaction() as session:
        made = await deciding.split(session, slug, entity_id, name=wanted.name, items=set(wanted.items), caller=caller)
        return _body(made)


@router.post(ENTITY + "/hide", operation_id="hideEntity")
async def hide(slug: Slug, entity_id: EntityId, caller: Manager, components: ComponentsDep) -> EntityDecisionBody:
    """Leave an entity out of all lists and counts of a library, as what was never meant by a name."""
    async with components.database.transaction() as session:
        return _body(await deciding.hide(session, slug, entity_id, caller))


@router.get(DECISIONS, operation_id="listEntityDecisions")
async def list_of_library(
    slug: Slug, *, caller: Reader, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> EntityDecisionList:
    """The decisions of people about the entities of a library, for its members."""
    async with components.database.transaction() as session:
        view = await people_of_member(session, slug, caller)
        found, total = await decisions.list_decisions(session, view.library.id, limit=limit, offset=offset)
        bodies = [_body(decision) for decision in found]
    return EntityDecisionList(decisions=bodies, total=total, limit=limit, offset=offset)


@router.post(DECISIONS + "/{decision_id}/undo", operation_id="undoEntityDecision")
async def undo(slug: Slug, decision_id: DecisionId, caller: Manager, components: ComponentsDep) -> EntityDecisionBody:
    """Give the names of a decision back to whom they were. 409 `decision_overridden`: undo the later decision first."""
    async with components.database.transaction() as session:
        return _body(await deciding.undo(session, slug, decision_id, caller))
