"""A feed of a dataset's own recordings, with their transcripts, for programs that play podcasts. Pure.

RSS 2.0 with ``podcast:transcript`` (https://podcastindex.org/namespace/1.0).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from echoic.sources.opml import seen

TRANSCRIPTS = (("vtt", "text/vtt"), ("srt", "application/x-subrip"))
"""Formats in which each transcript is offered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnEpisode:
    """One recording."""

    id: int
    title: str
    description: str | None
    published_at: datetime
    duration_seconds: float | None
    size_bytes: int
    media_type: str
    language: str | None
    audio_url: str
    transcript_url: str | None
    """None: there is none."""


def write_feed(*, title: str, description: str, link: str, secret: str, episodes: Iterable[OwnEpisode]) -> str:
    """Return the feed; ``secret`` is what each link needs in its query to be answered, as ``api_key=…``, or empty."""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" '
        'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0">'
        f"<channel><title>{_text(title)}</title><link>{_text(link)}</link><description>{_text(description)}</description>"
        "<itunes:block>Yes</itunes:block><podcast:locked>yes</podcast:locked>"
    )
    return "\n".join([head, *(_item(episode, secret) for episode in episodes), "</channel></rss>\n"])


def _item(episode: OwnEpisode, secret: str) -> str:
    language = "" if episode.language is None else f" language={quoteattr(episode.language)}"
    transcripts = "".join(
        f"<podcast:transcript url={quoteattr(_with(f'{episode.transcript_url}?format={form}', secret))} "
        f'type="{media}"{language}/>'
        for form, media in (TRANSCRIPTS if episode.transcript_url is not None else ())
    )
    duration = (
        "" if episode.duration_seconds is None else _element("itunes:duration", str(round(episode.duration_seconds)))
    )
    return (
        f"<item><title>{_text(episode.title)}</title>"
        f'<guid isPermaLink="false">{_text(episode.audio_url)}</guid>'
        f"<description>{_text(episode.description or '')}</description>"
        f"<pubDate>{format_datetime(episode.published_at)}</pubDate>{duration}"
        f"<enclosure url={quoteattr(_with(episode.audio_url, secret))} length={quoteattr(str(episode.size_bytes))} "
        f"type={quoteattr(episode.media_type)}/>{transcripts}</item>"
    )


def _with(url: str, secret: str) -> str:
    return url if not secret else f"{url}{'&' if '?' in url else '?'}{secret}"


def _element(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>"


def _text(text: str) -> str:
    return escape(seen(text))
