"""Podcasts and episodes, as the original has them: a podcast is a dataset, an episode is an item; found by title and language."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic.api.auth import Reader
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep, base_url
from echoic.api.datasets import bodies
from echoic.api.items import ItemFields, item_fields
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Id, Limit, Offset
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.api.search_answers import slug
from echoic.db.catalog import datasets
from echoic.db.catalog.libraries import DatasetView
from echoic.db.items.listed_items import ItemFilters
from echoic.db.sources import feeds
from echoic.intake.run_options import LANGUAGE_PATTERN
from echoic.reading import item_lists
from echoic.reading.lookup import readable_dataset

MAX_QUERY_CHARACTERS = 500
COVER, PAGE = "https://talks.example.com/cover.jpg", "https://talks.example.com/"

router = APIRouter(tags=["aliases"], responses={"default": {"model": Problem}}, deprecated=True)

Part = Annotated[
    str | None,
    Query(max_length=MAX_QUERY_CHARACTERS, pattern=NO_NUL, description="Part of the title, in upper or lower case."),
]


class PodcastBody(BaseModel):
    """A dataset under its older name."""

    id: int
    title: str
    slug: str = Field(description="The title as part of an address.", examples=["talks-by-the-sea-2"])
    description: str | None
    language: str | None = Field(description="That of the dataset, else that of its feed, as its ISO 639 code.")
    image_url: str | None = Field(description="The address of its cover, by its feed.", examples=[COVER])
    link: str | None = Field(description="The podcast's own page, by its feed.", examples=[PAGE])
    author: str | None = Field(description="The people or the house behind it, by its feed.", examples=["Ruth Sander"])
    episode_count: int = Field(description="Items in all states for members of its library, else published ones.")
    latest_publish_date: UtcTime | None = Field(description="The date of its newest episode, by its feed.")


class PodcastList(BaseModel):
    """One page of datasets under their older name."""

    podcasts: list[PodcastBody]
    total: int
    limit: int
    offset: int


class EpisodePodcast(BaseModel):
    """The podcast of an episode."""

    id: int
    title: str
    slug: str = Field(description="The title as part of an address.", examples=["talks-by-the-sea-2"])
    image_url: str | None = Field(description="The address of its cover, by its feed.", examples=[COVER])


class FoundEpisodeBody(ItemFields):
    """An item under its older name, with its podcast."""

    slug: str = Field(description="The title as part of an address.", examples=["interview-with-ruth-sander-1"])
    podcast: EpisodePodcast = Field(description="The dataset that it is in.")


class EpisodeList(BaseModel):
    """One page of items under their older name."""

    episodes: list[FoundEpisodeBody] = Field(description="The episodes, the newest first.")
    total: int
    limit: int
    offset: int


@router.get("/api/podcasts", operation_id="searchPodcasts")
async def search_podcasts(
    *,
    caller: Reader,
    components: ComponentsDep,
    q: Part = None,
    language: Annotated[
        str | None, Query(pattern=LANGUAGE_PATTERN, description="The language of the dataset, or else of its feed.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> PodcastList:
    """Find datasets by title and language; `/api/datasets` says more about each."""
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


@router.get("/api/episodes", operation_id="searchEpisodes")
async def search_episodes(
    *,
    caller: Reader,
    components: ComponentsDep,
    request: Request,
    q: Part = None,
    language: Annotated[
        str | None, Query(pattern=LANGUAGE_PATTERN, description="Only what is said in this language.")
    ] = None,
    podcast_id: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only those of this podcast.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> EpisodeList:
    """Find items by title and language, the newest first, each with its podcast; `/api/items` says more about each."""
    filters = ItemFilters(title=q or None, language=language)
    if podcast_id is None:
        page = await item_lists.list_seen(
            components.database, caller, filters=filters, order="newest", limit=limit, offset=offset
        )
    else:
        page = await item_lists.list_of_dataset(
            components.database, podcast_id, caller, filters=filters, order="newest", limit=limit, offset=offset
        )
    base = base_url(request, components)
    async with components.database.transaction() as session:
        podcasts = await _podcasts(session, {item.dataset_id for item in page.items})
    found = [
        FoundEpisodeBody(**item_fields(item, base), slug=slug(item.title, item.id), podcast=podcasts[item.dataset_id])
        for item in page.items
        if item.dataset_id in podcasts
    ]
    return EpisodeList(episodes=found, total=page.total, limit=limit, offset=offset)


async def _podcasts(session: AsyncSession, ids: Iterable[int]) -> dict[int, EpisodePodcast]:
    names = await datasets.names_of(session, ids)
    followed = await feeds.find_many(session, names)
    return {
        number: EpisodePodcast(
            id=number,
            title=name,
            slug=slug(name, number),
            image_url=followed[number].podcast.get("image_url") if number in followed else None,
        )
        for number, name in names.items()
    }


async def _bodies(session: AsyncSession, views: Sequence[DatasetView]) -> list[PodcastBody]:
    shown = await bodies(session, list(views))
    followed = await feeds.find_many(session, [body.id for body in shown])
    found = []
    for body in shown:
        feed = followed.get(body.id)
        said = feed.podcast if feed is not None else {}
        told_language = said.get("language")
        found.append(
            PodcastBody(
                id=body.id,
                title=body.name,
                slug=slug(body.name, body.id),
                description=body.description or said.get("description"),
                language=body.language or (told_language.partition("-")[0] if told_language else None),
                image_url=said.get("image_url"),
                link=said.get("link"),
                author=said.get("author"),
                episode_count=body.item_count,
                latest_publish_date=None if feed is None else feed.newest_at,
            )
        )
    return found
