"""Results of a search in the oldest form: matches grouped by the items they are in."""

from collections.abc import Sequence
from itertools import groupby
from typing import Self

from pydantic import BaseModel, Field

from echoic.api.bodies import UtcTime
from echoic.api.search_answers import slug
from echoic.search import answer
from echoic.search.answer import Found, Hit
from echoic.search.question import Search


class MatchBody(BaseModel):
    """A match in the oldest form."""

    field_type: answer.Field = Field(description="The field that matched.")
    text: str = Field(description="The text of the field.")
    segment_id: str = Field(description="The second at which the segment starts.")


class OldPodcastBody(BaseModel):
    """A dataset in the oldest form."""

    id: int
    title: str = Field(description="The dataset's name.", examples=["Interviews"])
    slug: str = Field(description="The name as part of an address.", examples=["interviews-1"])


class OldEpisodeBody(BaseModel):
    """An item in the oldest form."""

    id: int
    title: str
    slug: str = Field(description="The title as part of an address.", examples=["interview-with-ruth-sander-1"])
    pub_date: UtcTime | None = Field(description="The time when it was published, in UTC; null where unknown.")


class GroupBody(BaseModel):
    """An item with its matches, best first."""

    podcast: OldPodcastBody
    episode: OldEpisodeBody
    matches: list[MatchBody] = Field(description="The matches in the item, best first.")

    @classmethod
    def of(cls, hits: Sequence[Hit]) -> Self:
        """Make a group of the hits of one item."""
        first = hits[0]
        return cls(
            podcast=OldPodcastBody(
                id=first.item.dataset_id,
                title=first.item.dataset_name,
                slug=slug(first.item.dataset_name, first.item.dataset_id),
            ),
            episode=OldEpisodeBody(
                id=first.item_id,
                title=first.item.title,
                slug=slug(first.item.title, first.item_id),
                pub_date=first.item.published_at,
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
    def of(cls, search: Search, found: Found) -> Self:
        """Make the answer to a search."""
        first_seen = {hit.item_id: place for place, hit in reversed(list(enumerate(found.hits)))}
        in_groups = sorted(found.hits, key=lambda hit: first_seen[hit.item_id])
        return cls(
            results=[GroupBody.of(list(hits)) for _, hits in groupby(in_groups, key=lambda hit: hit.item_id)],
            total=found.total,
            limit=search.limit,
            offset=search.offset,
        )
