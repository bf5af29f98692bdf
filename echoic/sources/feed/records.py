"""Records of a podcast and its episodes, as a feed tells of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FeedFormat = Literal["rss", "atom"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Podcast:
    """A podcast by its own feed; None and empty where the feed says nothing."""

    format: FeedFormat | None = None
    """None where the document is no feed."""
    title: str | None = None
    description: str | None = None
    language: str | None = None
    """In lower case, as ``en`` or ``pt-br``."""
    link: str | None = None
    author: str | None = None
    image_url: str | None = None
    guid: str | None = None
    """``podcast:guid``, the podcast's identity wherever its feed lies."""
    new_feed_url: str | None = None
    """Where the feed has moved to, by its own word."""
    next_page_url: str | None = None
    """The page with older episodes (RFC 5005)."""
    ttl_minutes: float | None = None
    """How long the feed need not be asked again, by its own word."""
    explicit: bool | None = None
    complete: bool = False
    """Whether no further episode will ever come, by its own word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedTranscript:
    """A transcript that the publisher offers."""

    url: str
    type: str
    """Its media type, in lower case."""
    language: str | None = None
    rel: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who takes part, by the publisher's word."""

    name: str
    role: str = "host"
    group: str = "cast"


@dataclass(frozen=True, kw_only=True, slots=True)
class Enclosure:
    """The recording of an episode. What is said of its length and type is often wrong."""

    url: str
    type: str | None = None
    size_bytes: int | None = None
    """None where none is said, and for 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """One entry of a feed."""

    guid: str | None = None
    title: str | None = None
    description: str | None = None
    """As plain text."""
    published_at: datetime | None = None
    link: str | None = None
    enclosure: Enclosure | None = None
    duration_seconds: float | None = None
    season: int | None = None
    number: int | None = None
    kind: str | None = None
    """``full``, ``trailer`` or ``bonus``."""
    explicit: bool | None = None
    image_url: str | None = None
    chapters_url: str | None = None
    transcripts: tuple[PublishedTranscript, ...] = ()
    persons: tuple[Person, ...] = ()
