"""Failures on the whole installation, for administrators: counted by code, the items behind them, and another try."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Manager
from echoic.api.batches import RefusedItem
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json
from echoic.api.context import ComponentsDep
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Limit, Offset
from echoic.api.patterns import CODE
from echoic.api.problems import Problem
from echoic.db.runs import failures
from echoic.db.runs.failures import FailedItem
from echoic.intake.quota import Payer
from echoic.reading.redacted import policy_for

MAX_CODE_CHARACTERS = 64
MAX_RETRIED_AT_ONCE = 100
"""Recordings that one request takes up again, each in a transaction of its own: a second or two."""

router = APIRouter(tags=["administration"], responses={"default": {"model": Problem}})

CodeText = Annotated[str, StringConstraints(max_length=MAX_CODE_CHARACTERS, pattern=CODE)]
Code = Annotated[CodeText, Query(description="The code of an error, as `/api/failures` lists it.")]
StageName = Annotated[CodeText | None, Query(description="Only failures of this stage.")]


class FailureCountBody(BaseModel):
    """The recordings with one code of error at one stage."""

    code: str = Field(description="docs/errors.md lists all.")
    stage: str | None
    runs: int = Field(description="Recordings whose newest run ended with it; they can be taken up again.")
    left_out: int = Field(description="Recordings whose run went on without this stage.")
    last_at: UtcTime | None = Field(description="The time when the newest of these runs ended.")


class FailureList(BaseModel):
    """The failures that still stand, the most frequent first. An item that went well at another try is not counted."""

    failures: list[FailureCountBody] = Field(description="The failures by code and stage.")


class FailedItemBody(BaseModel):
    """A recording that failed."""

    id: int
    title: str | None = Field(description="null where you may not see the recording, or read it redacted.")
    library: str = Field(description="The slug of its library.")
    account_id: int | None = Field(description="The account that uploaded it, whose minutes it takes.")
    account: str | None = Field(description="The name of the account that is charged.")
    code: str
    stage: str | None
    message: str | None
    is_left_out: bool = Field(description="The run went on without the stage, and cannot be taken up again.")
    ended_at: UtcTime | None = Field(description="The time when it failed, in UTC.")
    duration_seconds: float | None
    size_bytes: int

    @classmethod
    def of(cls, item: FailedItem) -> "FailedItemBody":
        """Return the item as an administrator may see it: its title only where the role in its library allows that."""
        may_see = access.may_see_item(visibility=item.visibility, role=item.role, status=item.status)
        reads_title = may_see and policy_for(item) is None
        return cls(
            id=item.id,
            title=item.title if reads_title else None,
            library=item.library,
            account_id=item.account_id,
            account=item.account,
            code=item.code,
            stage=item.stage,
            message=item.message,
            is_left_out=not item.run_failed,
            ended_at=item.ended_at,
            duration_seconds=item.duration_seconds,
            size_bytes=item.size_bytes,
        )


class FailedItemList(BaseModel):
    """One page of the recordings with one code of error, the newest first."""

    items: list[FailedItemBody]
    total: int
    limit: int
    offset: int


class RetryWanted(Body):
    """The recordings to take up again: those named, or all with the code."""

    code: CodeText = Field(description="Only recordings that failed with this code.")
    stage: CodeText | None = Field(default=None, description="Only failures of this stage.")
    item_ids: list[Annotated[int, Field(ge=1, le=MAX_ID), WHOLE]] | None = Field(
        default=None, max_length=MAX_RETRIED_AT_ONCE, description="Only these recordings."
    )
    after_id: Annotated[int, Field(ge=0, le=MAX_ID), WHOLE] = Field(
        default=0, description="Of all with the code, those with larger ids: `next_after_id` of the last answer."
    )


class RetryDone(BaseModel):
    """The outcome for each recording."""

    retried: int = Field(description="So many wait in the queue again.")
    refused: list[RefusedItem]
    next_after_id: int | None = Field(description="Ask again with it, for there are more; null: those were all.")


@router.get("/api/failures", operation_id="countFailures")
async def count(caller: Manager, components: ComponentsDep) -> FailureList:
    """The failures that still stand, of all accounts, by code and stage; for administrators."""
    access.require_admin(caller)
    async with components.database.transaction() as session:
        found = await failures.count_failures(session)
    return FailureList(failures=[FailureCountBody.model_validate(one, from_attributes=True) for one in found])


@router.get("/api/failures/items", operation_id="listFailedItems")
async def list_items(
    *,
    caller: Manager,
    components: ComponentsDep,
    code: Code,
    stage: StageName = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> FailedItemList:
    """The recordings behind a code of error, for administrators; titles only of those that you may see."""
    access.require_admin(caller)
    async with components.database.transaction() as session:
        found, total = await failures.list_failed(
            session, code=code, stage=stage, account_id=caller.account_id, limit=limit, offset=offset
        )
    bodies = [FailedItemBody.of(item) for item in found]
    return FailedItemList(items=bodies, total=total, limit=limit, offset=offset)


@router.post("/api/failures/retry", openapi_extra=json_body(RetryWanted), operation_id="retryFailures")
async def retry(caller: Manager, components: ComponentsDep, request: Request) -> RetryDone:
    """Take failed recordings up again where they failed, up to 100 at once; for administrators.

    The minutes are those of the accounts that uploaded them. A recording that cannot be taken up, for example because its
    account has too few minutes left, is named in `refused` and stays as it is.
    """
    access.require_admin(caller)
    wanted = await read_json(request, RetryWanted)
    item_ids, next_after_id = await _chosen(components, wanted)
    done = await components.retries.retry(item_ids, code=wanted.code, payer=_payer(caller, components))
    refused = [RefusedItem.model_validate(one, from_attributes=True) for one in done.refused]
    return RetryDone(retried=len(done.item_ids), refused=refused, next_after_id=next_after_id)


async def _chosen(components: ComponentsDep, wanted: RetryWanted) -> tuple[list[int], int | None]:
    if wanted.item_ids is not None:
        return wanted.item_ids, None
    async with components.database.transaction() as session:
        found = await failures.failed_after(
            session, code=wanted.code, stage=wanted.stage, after_id=wanted.after_id, limit=MAX_RETRIED_AT_ONCE
        )
    return list(found), found[-1] if len(found) == MAX_RETRIED_AT_ONCE else None


def _payer(caller: Caller, components: ComponentsDep) -> Payer:
    return Payer.of(caller, components.plans)
