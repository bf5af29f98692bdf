"""Search over everything the caller may read, in the forms that clients of every generation send."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from echoic.access import Caller
from echoic.api.auth import Reader
from echoic.api.bodies import read_json
from echoic.api.context import ComponentsDep, base_url
from echoic.api.older.grouped_search import GroupedAnswer
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, Limit, Offset
from echoic.api.problems import Problem
from echoic.api.search_answers import SearchAnswer
from echoic.api.search_bodies import SearchBody
from echoic.compose import Components
from echoic.search.answer import Found
from echoic.search.question import Search
from echoic.search.run import search as run_search

router = APIRouter(tags=["search"], responses={"default": {"model": Problem}})


@router.post("/api/search", openapi_extra=json_body(SearchBody), operation_id="search")
async def search(request: Request, caller: Reader, components: ComponentsDep) -> SearchAnswer:
    """Find what was said, by its words and by its meaning, in everything the caller may read.

    Recordings in which something is redacted for the caller are left out.

    *text* ranks the segments, titles and descriptions that hold the words. *semantic* takes the 100 segments whose
    meaning is nearest to the query's. *hybrid* merges the best 100 of each ranking: a result's score is the sum of
    1 / (60 + its rank) over the rankings it is in. The query language is described in docs/search.md.

    400 `query_invalid` where the query is empty or cannot be understood; the message names the position.
    """
    return await _answer(request, caller, components, page_base=base_url(request, components))


@router.post("/api/v1/search", openapi_extra=json_body(SearchBody), operation_id="searchV1")
async def search_v1(request: Request, caller: Reader, components: ComponentsDep) -> SearchAnswer:
    """The same under its older path; `urls` lead to the API, as they did."""
    return await _answer(request, caller, components, page_base=None)


@router.get("/api/search", operation_id="searchGrouped")
async def search_grouped(
    q: Annotated[str, Query(description="As in the body's `query`.")],
    caller: Reader,
    components: ComponentsDep,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> GroupedAnswer:
    """Find what was said by its words, in the oldest form: matches grouped by item."""
    wanted = Search(
        account_id=caller.account_id, query=q, search_type="text", limit=limit, offset=offset, highlight=False
    )
    return GroupedAnswer.of(wanted, await _run(wanted, components))


async def _answer(request: Request, caller: Caller, components: Components, *, page_base: str | None) -> SearchAnswer:
    wanted = (await read_json(request, SearchBody)).to_search(caller.account_id)
    return SearchAnswer.of(wanted, await _run(wanted, components), page_base=page_base)


async def _run(wanted: Search, components: Components) -> Found:
    return await run_search(wanted, index=components.search_index, encoder=components.engines.text_encoder)
