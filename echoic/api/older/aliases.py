"""Older names of the same things, for clients that know them: a podcast is a dataset, an episode is an item."""

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import Response

from echoic.api import audio, corrections, entities, item_lists, item_speakers, items, transcripts, versions
from echoic.api.document.headers import CONDITIONAL, RANGED
from echoic.api.problems import Problem

ITEM, EPISODE = "/api/items/{item_id}/", "/api/episodes/{item_id}/"

router = APIRouter(tags=["aliases"], responses={"default": {"model": Problem}}, deprecated=True)


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
