"""Results of a search in the oldest form: matches grouped by the items they are in."""

from collections.abc import Sequence
from itertools import groupby
from typing import Self

from pydantic import BaseModel, Field

from echoic.api.bodies import UtcTime
from echoic.api.search_answers import slug
from echoic.search import port
from echoic.search.port import Hit
from echoic.search.request import SearchRequest, SearchResult


class MatchBody(BaseModel):
    """A match in the oldest form."""

    field_type: port.Field
    text: str
    segment_id: str = Field(description="The second at which the segment starts.")


class OldPodcastBody(BaseModel):
    """A dataset in the oldest form."""

    id: int
    title: str
    slug: str


class OldEpisodeBody(BaseModel):
    """An item in the oldest form."""

    id: int
    title: str
    slug: str
    pub_date: UtcTime | None


class GroupBody(BaseModel):
    """An item with its matches, best first."""

    podcast: OldPodcastBody
    episode: OldEpisodeBody
    matches: list[MatchBody]

    @classmethod
    def of(cls, hits: Sequence[Hit]) -> Self:
        """Hits of one item."""
        first = hits[0]
        return cls(
            podcast=OldPodcastBody(
                id=first.dataset_id, title=first.dataset_name, slug=slug(first.dataset_name, first.dataset_id)
            ),
            episode=OldEpisodeBody(
                id=first.item_id,
                title=first.item_title,
                slug=slug(first.item_title, first.item_id),
                pub_date=first.published_at,
            ),
            matches=[MatchBody(field_type=hit.field, text=hit.text, segment_id=str(hit.start)) for hit in hits],
        )


class GroupedAnswer(BaseModel):
    """One page of matches, grouped by the items they are in; the item with the best match comes first."""

    results: list[GroupBody]
    total: int = Field(description="Matches, not items; so are limit and offset.")
    limit: int
    offset: int

    @classmethod
    def of(cls, request: SearchRequest, result: SearchResult) -> Self:
        """The answer to a request."""
        first_seen = {hit.item_id: place for place, hit in reversed(list(enumerate(result.hits)))}
        in_groups = sorted(result.hits, key=lambda hit: first_seen[hit.item_id])
        return cls(
            results=[GroupBody.of(list(hits)) for _, hits in groupby(in_groups, key=lambda hit: hit.item_id)],
            total=result.total,
            limit=request.limit,
            offset=request.offset,
        )
