"""Older names of the same things, for clients that know them: a podcast is a dataset, an episode is an item."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from echoic.api import audio, corrections, entities, item_lists, item_speakers, items, transcripts, versions
from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.datasets import bodies
from echoic.api.document.headers import CONDITIONAL, RANGED
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.db.catalog import datasets
from echoic.db.catalog.libraries import DatasetView
from echoic.intake.run_options import LANGUAGE_PATTERN
from echoic.reading.lookup import readable_dataset

MAX_QUERY_CHARACTERS = 500
ITEM, EPISODE = "/api/items/{item_id}/", "/api/episodes/{item_id}/"

router = APIRouter(tags=["aliases"], responses={"default": {"model": Problem}}, deprecated=True)


class PodcastBody(BaseModel):
    """A dataset under its older name."""

    id: int
    title: str
    description: str | None
    language: str | None
    episode_count: int = Field(description="Items in all states for members of its library, else published ones.")


class PodcastList(BaseModel):
    """One page of datasets under their older name."""

    podcasts: list[PodcastBody]
    total: int
    limit: int
    offset: int


@router.get("/api/podcasts", operation_id="searchPodcasts")
async def search_podcasts(
    *,
    caller: Reader,
    components: ComponentsDep,
    q: Annotated[
        str | None,
        Query(
            max_length=MAX_QUERY_CHARACTERS, pattern=NO_NUL, description="Part of the title, in upper or lower case."
        ),
    ] = None,
    language: Annotated[
        str | None, Query(pattern=LANGUAGE_PATTERN, description="The language that is set for the dataset.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> PodcastList:
    """Find datasets by title; `/api/datasets` says more about each."""
    async with components.database.transaction() as session:
        page = await datasets.list_datasets(
            session, account_id=caller.account_id, name_part=q, language=language, limit=limit, offset=offset
        )
        found = await _bodies(session, page.views)
    return PodcastList(podcasts=found, total=page.total, limit=limit, offset=offset)


@router.get("/api/podcasts/{dataset_id}", operation_id="getPodcast")
async def get_podcast(dataset_id: Id, caller: Reader, components: ComponentsDep) -> PodcastBody:
    """A dataset."""
    async with components.database.transaction() as session:
        (body,) = await _bodies(session, [await readable_dataset(session, dataset_id, caller)])
    return body


router.add_api_route(
    "/api/podcasts/{dataset_id}/episodes", item_lists.list_of_dataset, name="list_episodes", operation_id="listEpisodes"
)
router.add_api_route("/api/episodes/{item_id}", items.get, name="get_episode", operation_id="getEpisode")
router.add_api_route(
    "/api/episodes/{item_id}/transcript",
    transcripts.get,
    name="get_transcript",
    operation_id="getEpisodeTranscript",
    response_class=Response,
    responses=transcripts.ANSWERS,
    openapi_extra=CONDITIONAL,
)
router.add_api_route(
    "/api/episodes/{item_id}/audio",
    audio.get,
    name="get_audio",
    operation_id="getEpisodeAudio",
    response_class=Response,
    responses=audio.ANSWERS,
    openapi_extra=RANGED,
)
router.add_api_route(
    "/api/episodes/{item_id}/audio",
    audio.get,
    methods=["HEAD"],
    name="head_audio",
    operation_id="headEpisodeAudio",
    response_class=Response,
    responses=audio.ANSWERS,
    openapi_extra=RANGED,
)


def _add_episode_routes(parts: Iterable[APIRouter]) -> None:
    """Give every route of an item in these resources its older name."""
    routes = [route for part in parts for route in part.routes if isinstance(route, APIRoute)]
    for route in routes:
        if route.path.startswith(ITEM):
            router.add_api_route(
                route.path.replace(ITEM, EPISODE, 1),
                route.endpoint,
                methods=None if route.methods is None else sorted(route.methods),
                name=f"{route.tags[0]}_{route.name}",
                operation_id=f"{route.operation_id}OfEpisode",
                status_code=route.status_code,
                responses=route.responses,
                openapi_extra=route.openapi_extra,
            )


_add_episode_routes([corrections.router, versions.router, item_speakers.router, entities.router])


async def _bodies(session: AsyncSession, views: "list[DatasetView] | tuple[DatasetView, ...]") -> list[PodcastBody]:
    return [
        PodcastBody(
            id=body.id,
            title=body.name,
            description=body.description,
            language=body.language,
            episode_count=body.item_count,
        )
        for body in await bodies(session, views)
    ]
