"""Search over everything the caller may read."""

from fastapi import APIRouter
from starlette.requests import Request

from echoic.api.auth import Reader
from echoic.api.bodies import read_json
from echoic.api.context import ComponentsDep
from echoic.api.openapi import json_body
from echoic.api.problems import Problem
from echoic.api.search_bodies import SearchAnswer, SearchBody
from echoic.search.run import search as run_search

router = APIRouter(tags=["search"], responses={"default": {"model": Problem}})


@router.post("/api/search", openapi_extra=json_body(SearchBody))
async def search(request: Request, caller: Reader, components: ComponentsDep) -> SearchAnswer:
    """Find what was said, by its words and by its meaning, in everything the caller may read.

    *text* ranks the segments that hold the words by how often and how near each other they stand. *semantic* takes the
    200 segments whose meaning is nearest to the query's. *hybrid* merges the best 200 of each ranking: a result's score
    is the sum of 1 / (60 + its rank) over the rankings it is in.
    """
    wanted = (await read_json(request, SearchBody)).to_request()
    result = await run_search(
        wanted, caller=caller, database=components.database, encoder=components.engines.text_encoder
    )
    return SearchAnswer.of(wanted, result)
