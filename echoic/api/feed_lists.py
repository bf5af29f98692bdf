"""Lists of the feeds that a library follows (OPML), and the feed that a dataset is itself."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from echoic.access import READ, Caller
from echoic.api.audio import MEDIA_TYPES, media_type_of
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import Body, read_json, unset
from echoic.api.context import ComponentsDep, base_url
from echoic.api.downloads import disposition
from echoic.api.feeds import NEWEST_EPISODES, Newest
from echoic.api.openapi import json_body
from echoic.api.parameters import Id, Slug
from echoic.api.problems import Problem
from echoic.api.request_heads import KEY_PARAMETER
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.items.listed_items import ItemFilters
from echoic.db.sources import feeds
from echoic.errors import AudioUrlInvalid, FieldInvalid
from echoic.intake.body import MAX_JSON_BYTES
from echoic.reading import item_lists
from echoic.reading.lookup import changeable_library, library_of_member, readable_dataset
from echoic.reading.redacted import policy_for
from echoic.sources.addresses import parse_address, shown_of_unusable
from echoic.sources.following import Wish, follow
from echoic.sources.opml import Outline, read_opml, write_opml
from echoic.sources.own_feed import OwnEpisode, write_feed

OPML_TYPE = "text/x-opml"
RSS_TYPE = "application/rss+xml"
MAX_OWN_EPISODES = 200

router = APIRouter(tags=["feeds"], responses={"default": {"model": Problem}})


class FeedsWanted(Body):
    """A list of feeds to be followed, a dataset for each."""

    opml: Annotated[str, StringConstraints(min_length=1, max_length=MAX_JSON_BYTES)] = Field(
        description="The list, as other programs export it.",
        examples=[
            '<opml version="2.0"><body><outline text="Talks" xmlUrl="https://talks.example.com/feed"/></body></opml>'
        ],
    )
    newest: Newest = Field(default_factory=unset, description=NEWEST_EPISODES)


class FollowedFeed(BaseModel):
    """A feed of the list that is followed from now on."""

    dataset_id: int
    name: str = Field(description="The name of its dataset.", examples=["Talks by the sea"])


class FeedLeftOut(BaseModel):
    """A feed of the list that is not followed now."""

    name: str = Field(description="Its title in the list.", examples=["Talks by the sea"])
    reason: str = Field(
        description="`known`: the library follows it already; `field_invalid`: it has no usable address.",
        examples=["known"],
    )
    url: str | None = Field(
        description="Its address, of one that may hold a secret the host alone; null: there is no host in it.",
        examples=["https://talks.example.com/feed"],
    )
    message: str = Field(description="The reason, for people.", examples=["The library follows it already."])


class FeedsFollowed(BaseModel):
    """The answer to a list of feeds."""

    followed: list[FollowedFeed] = Field(description="The feeds that are followed from now on.")
    left_out: list[FeedLeftOut] = Field(description="The others, and why.")


@router.get(
    "/api/libraries/{slug}/feeds/opml",
    response_class=Response,
    responses={200: {"content": {OPML_TYPE: {"schema": {"type": "string"}}}}},
    operation_id="exportFeeds",
)
async def export(slug: Slug, caller: Reader, components: ComponentsDep) -> Response:
    """The feeds that a library follows, as OPML for other programs; without private ones, and for members alone."""
    async with components.database.transaction() as session:
        view = await library_of_member(session, slug, caller)
        found = await feeds.list_of_library(session, view.library.id)
    outlines = [Outline(title=dataset.name, url=feed.url) for feed, dataset in found if not feed.is_private]
    headers = {"Content-Disposition": disposition(view.library.name, "opml", otherwise="feeds")}
    return Response(write_opml(view.library.name, outlines), media_type=OPML_TYPE, headers=headers)


@router.post("/api/libraries/{slug}/feeds/opml", openapi_extra=json_body(FeedsWanted), operation_id="importFeeds")
async def follow_list(slug: Slug, caller: Manager, components: ComponentsDep, request: Request) -> FeedsFollowed:
    """Make a dataset for each feed of a list in OPML that the library does not follow yet."""
    wanted = await read_json(request, FeedsWanted)
    outlines = read_opml(wanted.opml)
    answer = FeedsFollowed(followed=[], left_out=[])
    async with components.database.transaction() as session:
        view = await changeable_library(session, slug, caller)
        known = {feed.url: feed.is_private for feed, _ in await feeds.list_of_library(session, view.library.id)}
        for outline in outlines:
            try:
                address = parse_address(outline.url)
            except AudioUrlInvalid as error:
                answer.left_out.append(_unusable(outline, error))
                continue
            url = str(address.url)
            if url in known:
                shown = address.shown(is_private=known[url] or address.looks_private)
                message = "The library follows it already."
                answer.left_out.append(FeedLeftOut(name=outline.title, reason="known", url=shown, message=message))
                continue
            known[url] = address.looks_private
            made = await libraries.create_dataset(
                session,
                library_id=view.library.id,
                name=outline.title or address.url.host,
                content_type="podcast",
                max_file_size_mb=components.settings.upload_default_max_mb,
            )
            newest = wanted.newest if "newest" in wanted.model_fields_set else None
            await follow(session, made, caller.account_id, Wish(url=outline.url, newest=newest))
            answer.followed.append(FollowedFeed(dataset_id=made.id, name=made.name))
    return answer


@router.get(
    "/api/datasets/{dataset_id}/feed.xml",
    response_class=Response,
    responses={200: {"content": {RSS_TYPE: {"schema": {"type": "string"}}}}},
    operation_id="getOwnFeed",
)
@router.head(
    "/api/datasets/{dataset_id}/feed.xml",
    name="head",
    response_class=Response,
    responses={200: {"content": {RSS_TYPE: {"schema": {"type": "string"}}}}},
    operation_id="headOwnFeed",
)
async def own_feed(dataset_id: Id, caller: Reader, components: ComponentsDep, request: Request) -> Response:
    """A dataset as a feed of its newest 200 published recordings, with their transcripts, for programs that play podcasts.

    Left out are those whose audio was removed at its deadline.
    Asked with `?api_key=…`, its links carry the same key, which must be one with the scope `read` alone; 400 for any other.
    Revoke the key to close the feed.
    """
    given = _key_for_links(caller, request)
    async with components.database.transaction() as session:
        view = await readable_dataset(session, dataset_id, caller)
    wanted = ItemFilters(states=["published"])
    page = await item_lists.list_of_dataset(
        components.database, dataset_id, caller, filters=wanted, order="newest", limit=MAX_OWN_EPISODES, offset=0
    )
    async with components.database.transaction() as session:
        names = await items.file_names(session, [item.id for item in page.items])
    is_muted = policy_for(view) is not None
    base = base_url(request, components)
    episodes = [
        OwnEpisode(
            id=item.id,
            title=item.title,
            description=item.description,
            published_at=item.publish_date or item.published_at or item.created_at,
            duration_seconds=item.duration_seconds,
            size_bytes=item.size_bytes,
            media_type=MEDIA_TYPES["wav"] if is_muted else media_type_of(names.get(item.id)),
            language=item.language,
            audio_url=f"{base}/api/items/{item.id}/audio",
            transcript_url=f"{base}/api/items/{item.id}/transcript" if item.has_transcript else None,
        )
        for item in page.items
        if item.audio_removed_at is None
    ]
    document = write_feed(
        title=view.dataset.name,
        description=view.dataset.description or view.dataset.name,
        link=f"{base}/datasets/{dataset_id}",
        secret="" if given is None else urlencode({"api_key": given}),
        episodes=episodes,
    )
    return Response(document, media_type=RSS_TYPE, headers={"Cache-Control": "private, no-cache"})


def _unusable(outline: Outline, error: AudioUrlInvalid) -> FeedLeftOut:
    message = error.message.replace("audio_url", "Its address")
    shown = shown_of_unusable(outline.url)
    return FeedLeftOut(name=outline.title, reason=FieldInvalid.code, url=shown, message=message)


def _key_for_links(caller: Caller, request: Request) -> str | None:
    """Return the key that the links are to carry: that of the query, where the caller is known by it.

    Raises FieldInvalid where the key may do more than read: whoever gets a link of the feed gets the key.
    """
    given = request.query_params.get(KEY_PARAMETER)
    if not given or "authorization" in request.headers:
        return None
    if caller.scopes != {READ}:
        raise FieldInvalid(
            f"{KEY_PARAMETER}: the feed's links carry the key, so it must have the scope 'read' alone; make one by "
            'POST /api/keys with "scopes": ["read"].'
        )
    return given
