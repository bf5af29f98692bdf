"""A streaming reader of feeds: RSS 2.0 and its elders, Atom, and what iTunes and Podcasting 2.0 add to them.

Bytes go in, episodes come out as soon as each has ended, and nothing else is kept: memory does not grow with the feed. What is
read is bounded in number, depth and length; a document type, with which entities come, is refused. An error in the middle
leaves the episodes before it valid.

RSS: https://www.rssboard.org/rss-specification. Atom: RFC 4287. iTunes: https://podcasters.apple.com/support/823.
Podcasting 2.0: https://github.com/Podcastindex-org/podcast-namespace.
"""

from xml.parsers import expat

from echoic.errors import FeedDtdRefused, FeedMalformed, FeedTooDeep, FeedTooLarge
from echoic.sources.feed.document import FeedText
from echoic.sources.feed.drafts import TEXTS_OF_EPISODE, TEXTS_OF_PODCAST, EpisodeDraft, PodcastDraft
from echoic.sources.feed.names import Names
from echoic.sources.feed.records import Episode, Podcast

MAX_EPISODES = 20_000
"""The largest feeds that are known have about 10,000."""
MAX_DEPTH = 100
MAX_ELEMENTS = 3_000_000
MAX_TEXT_CHARACTERS = 60_000
"""Of one element; what is longer is cut. Show notes reach some ten thousand."""
MAX_TOKEN_BYTES = 1_048_576
"""A tag or comment; one that is longer would be held in memory whole."""

ITEMS = frozenset({"item", "atom:entry"})
CHANNELS = frozenset({"channel", "atom:feed"})
_ROOTS = {"rss": "rss", "rdf:rdf": "rss", "atom:feed": "atom"}


class FeedReader:
    """Reads one document; ``base_url`` makes relative addresses whole."""

    def __init__(self, *, base_url: str = "", charset: str | None = None, max_episodes: int = MAX_EPISODES) -> None:
        self._text = FeedText(charset)
        self._names = Names()
        self._base_url = base_url
        self._max_episodes = max_episodes
        self._path: list[str] = []
        self._elements = 0
        self._given_bytes = 0
        self._podcast = PodcastDraft(base_url)
        self._channel_depth = 0
        self._episode: EpisodeDraft | None = None
        self._episode_depth = 0
        self._taking: tuple[EpisodeDraft | PodcastDraft, str, int] | None = None
        self._taken: list[str] = []
        self._taken_characters = 0
        self._done: list[Episode] = []
        self.episodes = 0
        """The number of episodes so far."""
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    @property
    def podcast(self) -> Podcast:
        """The podcast as far as it was read."""
        return self._podcast.made()

    def feed(self, chunk: bytes) -> list[Episode]:
        """Take the next bytes; returns the episodes that have ended in them.

        Raises FeedMalformed, FeedDtdRefused, FeedTooDeep, and FeedTooLarge; episodes that ended before are in ``rest``.
        """
        self._parse(self._text.add(chunk), is_last=False)
        return self.rest()

    def close(self) -> list[Episode]:
        """The document has ended; returns the last episodes. Raises what ``feed`` raises."""
        self._parse(self._text.add(b"", is_last=True), is_last=True)
        if self._podcast.format is None:
            raise FeedMalformed("The document is no feed: it is neither RSS nor Atom.")
        return self.rest()

    def rest(self) -> list[Episode]:
        """Return the episodes that have ended since the last call."""
        done, self._done = self._done, []
        return done

    def _parse(self, text: str, *, is_last: bool) -> None:
        self._given_bytes += len(text.encode())
        try:
            self._parser.Parse(text, is_last)
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, "") or expat.ErrorString(error.code)
            raise FeedMalformed(f"The feed is not well-formed XML: {reason}, in line {error.lineno:,}.") from error
        if self._given_bytes - self._parser.CurrentByteIndex > MAX_TOKEN_BYTES + len(text):
            raise FeedTooLarge("The feed has a tag or a comment of more than a megabyte.")

    def _refuse(self, *_: object) -> None:
        raise FeedDtdRefused

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        depth = len(self._path) + 1
        if depth > MAX_DEPTH:
            raise FeedTooDeep
        if self._elements > MAX_ELEMENTS:
            raise FeedTooLarge(f"The feed has more than {MAX_ELEMENTS:,} elements.")
        self._names.enter(depth, attributes)
        name = self._names.of(tag)
        self._path.append(name)
        if depth == 1:
            self._podcast.format = "atom" if name == "atom:feed" else "rss" if name in _ROOTS else None
        if self._taking is not None:
            return
        if self._episode is not None:
            self._start_in_episode(name, depth, attributes)
        elif name in ITEMS:
            if self.episodes >= self._max_episodes:
                raise FeedTooLarge(f"The feed has more than {self._max_episodes:,} episodes.")
            self._episode, self._episode_depth = EpisodeDraft(self._base_url), depth
        elif name in CHANNELS and not self._channel_depth:
            self._channel_depth = depth
        elif self._channel_depth and depth > self._channel_depth:
            self._start_in_channel(name, depth, attributes)

    def _start_in_episode(self, name: str, depth: int, attributes: dict[str, str]) -> None:
        if self._episode is None:
            return
        within = "/".join(self._path[self._episode_depth :])
        self._episode.add(name, within, attributes)
        if within in TEXTS_OF_EPISODE:
            self._take(self._episode, within, depth, attributes)

    def _start_in_channel(self, name: str, depth: int, attributes: dict[str, str]) -> None:
        within = "/".join(self._path[self._channel_depth :])
        self._podcast.add(name, within, attributes)
        if within in TEXTS_OF_PODCAST:
            self._take(self._podcast, within, depth, attributes)

    def _take(self, draft: EpisodeDraft | PodcastDraft, within: str, depth: int, attributes: dict[str, str]) -> None:
        draft.begin(within, attributes)
        self._taking, self._taken, self._taken_characters = (draft, within, depth), [], 0

    def _characters(self, text: str) -> None:
        if self._taking is not None and self._taken_characters < MAX_TEXT_CHARACTERS:
            self._taken.append(text[: MAX_TEXT_CHARACTERS - self._taken_characters])
            self._taken_characters += len(text)

    def _end(self, _: str) -> None:
        depth = len(self._path)
        self._path.pop()
        self._names.leave(depth)
        if self._taking is not None:
            draft, within, taken_depth = self._taking
            if depth == taken_depth:
                draft.end(within, "".join(self._taken))
                self._taking = None
        elif self._episode is not None and depth == self._episode_depth:
            self._done.append(self._episode.made())
            self.episodes += 1
            self._episode = None
