"""An episode and a podcast while their elements are read: what each element means, and which of several counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from echoic.sources.feed.records import Enclosure, Episode, FeedFormat, Person, Podcast, PublishedTranscript
from echoic.sources.feed.values import date_of, line_of, number_of, seconds_of, size_of, text_of, truth_of, url_of

MAX_TRANSCRIPTS = 20
MAX_PERSONS = 50
MAX_GUID_CHARACTERS = 2000
MAX_SHORT_CHARACTERS = 100
AUDIO_MEDIA = ("audio/", "video/", "application/ogg")

# The first that has a text counts.
_TITLES = ("title", "atom:title", "itunes:title", "media:title", "dc:title")
_DESCRIPTIONS = (
    *("content:encoded", "description", "atom:content", "atom:summary", "itunes:summary", "media:description"),
    *("itunes:subtitle", "dc:description"),
)
_DATES = ("pubdate", "atom:published", "dc:date", "atom:updated", "atom:issued", "dcterms:created")
_GUIDS = ("guid", "atom:id")
_LINKS = ("link",)
_NUMBERS = ("itunes:season", "podcast:season", "itunes:episode", "podcast:episode")

TEXTS_OF_EPISODE = frozenset(
    {
        *(*_TITLES, *_DESCRIPTIONS, *_DATES, *_GUIDS, *_LINKS, *_NUMBERS),
        *("itunes:duration", "itunes:explicit", "itunes:episodetype", "podcast:person"),
    }
)
"""Elements whose text counts, by their path within the episode."""

_IMAGES = ("image/url", "atom:logo", "atom:icon")
_AUTHORS = ("itunes:author", "atom:author/atom:name", "managingeditor", "dc:creator")

TEXTS_OF_PODCAST = frozenset(
    {
        *(*_TITLES, *_DESCRIPTIONS, *_LINKS, *_IMAGES, *_AUTHORS, "atom:subtitle", "language", "dc:language", "ttl"),
        *("podcast:guid", "itunes:new-feed-url", "itunes:explicit", "itunes:complete"),
    }
)


class _Texts:
    """Texts by the path of their element; of several with one path the first that is not blank."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._plain: set[str] = set()
        self._is_plain = False

    def begin(self, within: str, attributes: Mapping[str, str]) -> None:
        """An element begins whose text counts."""
        self._is_plain = within.startswith("atom:") and attributes.get("type", "text").lower() in ("text", "xhtml")

    def end(self, within: str, text: str) -> None:
        """Take the text of an element that has ended."""
        if within not in self._texts and text.strip():
            self._texts[within] = text
            if self._is_plain:
                self._plain.add(within)

    def get(self, *names: str) -> str | None:
        """Return the first text of these."""
        return next((self._texts[name] for name in names if name in self._texts), None)

    def _named(self, names: tuple[str, ...]) -> tuple[str | None, bool]:
        name = next((name for name in names if name in self._texts), None)
        return (None, True) if name is None else (self._texts[name], name not in self._plain)

    def line(self, names: tuple[str, ...]) -> str | None:
        """Return the first text of these in one line, without markup."""
        text, is_markup = self._named(names)
        return line_of(text, is_markup=is_markup)

    def paragraphs(self, names: tuple[str, ...]) -> str | None:
        """Return the first text of these in paragraphs, without markup."""
        text, is_markup = self._named(names)
        return text_of(text, is_markup=is_markup)


@dataclass
class _Offered:
    """One of several recordings of an episode."""

    enclosure: Enclosure
    is_audio: bool


class EpisodeDraft(_Texts):
    """An episode that is being read."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url
        self._offered: list[_Offered] = []
        self._link: str | None = None
        self._image_url: str | None = None
        self._chapters_url: str | None = None
        self._transcripts: list[PublishedTranscript] = []
        self._persons: list[Person] = []
        self._person: Mapping[str, str] = {}

    def add(self, name: str, within: str, attributes: Mapping[str, str]) -> None:
        """Take in what an element says by its attributes."""
        match name:
            case "enclosure" | "media:content":
                self._offer(
                    attributes.get("url"), attributes, length=attributes.get("length") or attributes.get("filesize")
                )
            case "atom:link":
                self._add_link(attributes)
            case "itunes:image" | "podcast:image" | "media:thumbnail":
                self._image_url = self._image_url or self._url(attributes.get("href") or attributes.get("url"))
            case "podcast:chapters":
                self._chapters_url = self._chapters_url or self._url(attributes.get("url"))
            case "podcast:transcript" if within == name:
                self._add_transcript(attributes)
            case _:
                pass

    def begin(self, within: str, attributes: Mapping[str, str]) -> None:
        """An element begins whose text counts."""
        super().begin(within, attributes)
        self._person = attributes

    def end(self, within: str, text: str) -> None:
        """Take the text of an element that has ended."""
        if within != "podcast:person":
            super().end(within, text)
        elif (name := line_of(text, most=MAX_SHORT_CHARACTERS)) and len(self._persons) < MAX_PERSONS:
            role, group = (_short(self._person.get(key)) for key in ("role", "group"))
            self._persons.append(Person(name=name, role=role or "host", group=group or "cast"))

    def made(self) -> Episode:
        """Return the episode as it was read."""
        guid = (self.get(*_GUIDS) or "").strip()[:MAX_GUID_CHARACTERS]
        return Episode(
            guid=guid or None,
            title=self.line(_TITLES),
            description=self.paragraphs(_DESCRIPTIONS),
            published_at=date_of(self.get(*_DATES)),
            link=self._url(self.get(*_LINKS)) or self._link,
            enclosure=self._enclosure(),
            duration_seconds=seconds_of(self.get("itunes:duration")),
            season=number_of(self.get("itunes:season", "podcast:season")),
            number=number_of(self.get("itunes:episode", "podcast:episode")),
            kind=_short(self.get("itunes:episodetype")),
            explicit=truth_of(self.get("itunes:explicit")),
            image_url=self._image_url,
            chapters_url=self._chapters_url,
            transcripts=tuple(self._transcripts),
            persons=tuple(self._persons),
        )

    def _enclosure(self) -> Enclosure | None:
        """Of several recordings the first that is said to be sound; else the first."""
        audio = [offered for offered in self._offered if offered.is_audio]
        return (audio or self._offered)[0].enclosure if self._offered else None

    def _offer(self, address: str | None, attributes: Mapping[str, str], *, length: str | None) -> None:
        url = self._url(address)
        media = _short(attributes.get("type"))
        # An enclosure is a recording whatever type is written there, unless it is a picture.
        is_image = (media or "").startswith("image/") or attributes.get("medium") in ("image", "document")
        if url is None or is_image or len(self._offered) >= MAX_TRANSCRIPTS:
            return
        enclosure = Enclosure(url=url, type=media, size_bytes=size_of(length))
        self._offered.append(_Offered(enclosure, is_audio=(media or "").startswith(AUDIO_MEDIA)))

    def _add_link(self, attributes: Mapping[str, str]) -> None:
        relation = attributes.get("rel", "alternate").lower()
        if relation == "enclosure":
            self._offer(attributes.get("href"), attributes, length=attributes.get("length"))
        elif relation == "alternate":
            self._link = self._link or self._url(attributes.get("href"))

    def _add_transcript(self, attributes: Mapping[str, str]) -> None:
        url, media = self._url(attributes.get("url")), _short(attributes.get("type"))
        if url and media and len(self._transcripts) < MAX_TRANSCRIPTS:
            found = PublishedTranscript(
                url=url, type=media, language=_short(attributes.get("language")), rel=_short(attributes.get("rel"))
            )
            self._transcripts.append(found)

    def _url(self, text: str | None) -> str | None:
        return url_of(text, self._base_url)


@dataclass
class _Links:
    """Addresses that a feed gives in attributes."""

    link: str | None = None
    image_url: str | None = None
    new_feed_url: str | None = None
    next_page_url: str | None = None


class PodcastDraft(_Texts):
    """A podcast that is being read."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.format: FeedFormat | None = None
        self._base_url = base_url
        self._links = _Links()

    def add(self, name: str, within: str, attributes: Mapping[str, str]) -> None:
        """Take in what an element says by its attributes."""
        links = self._links
        if name == "itunes:image":
            links.image_url = links.image_url or url_of(attributes.get("href"), self._base_url)
        elif name == "atom:link" and within == name:
            url = url_of(attributes.get("href"), self._base_url)
            relation = attributes.get("rel", "alternate").lower()
            if relation == "next":
                links.next_page_url = links.next_page_url or url
            elif relation == "alternate":
                links.link = links.link or url

    def made(self) -> Podcast:
        """Return the podcast as far as it was read."""
        language = _short(self.get("language", "dc:language"))
        return Podcast(
            format=self.format,
            title=self.line(_TITLES),
            description=self.paragraphs((*_DESCRIPTIONS, "atom:subtitle")),
            language=language.replace("_", "-") if language else None,
            link=url_of(self.get(*_LINKS), self._base_url) or self._links.link,
            author=self.line(_AUTHORS),
            image_url=self._links.image_url or url_of(self.get(*_IMAGES), self._base_url),
            guid=_short(self.get("podcast:guid")),
            new_feed_url=url_of(self.get("itunes:new-feed-url"), self._base_url),
            next_page_url=self._links.next_page_url,
            ttl_minutes=number_of(self.get("ttl")),
            explicit=truth_of(self.get("itunes:explicit")),
            complete=(self.get("itunes:complete") or "").strip().lower() == "yes",
        )


def _short(text: str | None) -> str | None:
    return (text or "").strip().lower()[:MAX_SHORT_CHARACTERS] or None
