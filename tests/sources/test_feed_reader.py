"""The reader of feeds, against feedparser on odd feeds, against itself in pieces, and against hostile documents."""

import calendar
from datetime import UTC, datetime

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from echoic.errors import FeedDtdRefused, FeedMalformed, FeedTooDeep, FeedTooLarge, FeedUnusable
from echoic.sources.feed.reader import MAX_DEPTH, MAX_TEXT_CHARACTERS, MAX_TOKEN_BYTES, FeedReader
from echoic.sources.feed.records import Episode, Podcast
from tests.sources.feeds import ODD, PODCAST, entry, rss

BASE = "https://good.example/feed.xml"


def read(document: bytes, *, piece: int = 65_536, charset: str | None = None) -> tuple[Podcast, list[Episode]]:
    reader = FeedReader(base_url=BASE, charset=charset)
    episodes: list[Episode] = []
    for at in range(0, len(document), piece):
        episodes += reader.feed(document[at : at + piece])
    episodes += reader.close()
    return reader.podcast, episodes


@pytest.mark.parametrize("name", ODD)
def test_an_odd_feed_is_read_as_feedparser_reads_it(name: str) -> None:
    podcast, episodes = read(ODD[name])
    theirs = feedparser.parse(ODD[name])
    assert podcast.title == plain(theirs.feed.title)
    assert len(episodes) == len(theirs.entries)
    for ours, other in zip(episodes, theirs.entries, strict=True):
        assert ours.title == plain(other.title)
        assert ours.guid == other.get("id")
        assert ours.published_at == moment(other), "feedparser's time, which is in UTC"
        links = [link for link in other.get("links", ()) if link.rel == "enclosure"]
        urls = [link.href for link in links]
        assert (ours.enclosure is None) == (not urls)
        assert ours.enclosure is None or ours.enclosure.url in urls


def plain(text: str) -> str:
    for markup, meant in (("<b>", ""), ("</b>", ""), ("&amp;", "&"), ("&lt;", "<"), ("\x08", "")):
        text = text.replace(markup, meant)
    return " ".join(text.split())


def moment(theirs: "feedparser.FeedParserDict") -> datetime | None:
    found = theirs.get("published_parsed" if "published" in theirs else "updated_parsed")
    return None if found is None else datetime.fromtimestamp(calendar.timegm(found), UTC)


def test_all_that_itunes_and_podcasting_add_is_read_in_every_spelling_of_their_names() -> None:
    more = """<itunes:duration>1:02:03</itunes:duration><itunes:season>2</itunes:season><itunes:episode>7</itunes:episode>
        <itunes:episodeType>Bonus</itunes:episodeType><itunes:explicit>yes</itunes:explicit><itunes:image href="/i.jpg"/>
        <podcast:transcript url="t.vtt" type="text/vtt" language="EN" rel="captions"/>
        <podcast:transcript url="t.json" type="application/json"/><podcast:transcript type="text/html"/>
        <podcast:person role="Guest">Al Bee</podcast:person><podcast:person>Cee</podcast:person>
        <podcast:chapters url="c.json" type="application/json+chapters"/>"""
    head = (
        "<podcast:guid>ABC</podcast:guid><itunes:new-feed-url>https://new.example/f</itunes:new-feed-url><ttl>90</ttl>"
    )
    document = rss([entry(1, more=more, length="0")], head=head)
    other = document.replace(
        PODCAST.encode(), b"https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md"
    )
    podcast, [episode] = read(document)
    assert read(other) == (podcast, [episode])
    assert (podcast.guid, podcast.new_feed_url, podcast.ttl_minutes) == ("abc", "https://new.example/f", 90)
    assert (episode.duration_seconds, episode.season, episode.number, episode.kind) == (3723, 2, 7, "bonus")
    assert [(one.url, one.type, one.language) for one in episode.transcripts] == [
        ("https://good.example/t.vtt", "text/vtt", "en"),
        ("https://good.example/t.json", "application/json", None),
    ]
    assert [(one.name, one.role) for one in episode.persons] == [("Al Bee", "guest"), ("Cee", "host")]
    assert (episode.image_url, episode.chapters_url) == ("https://good.example/i.jpg", "https://good.example/c.json")
    assert episode.enclosure is not None
    assert episode.enclosure.size_bytes is None, "a length of 0 says nothing"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(ODD)), piece=st.integers(1, 90))
def test_the_pieces_in_which_a_feed_comes_change_nothing(name: str, piece: int) -> None:
    assert read(ODD[name], piece=piece) == read(ODD[name])


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(ODD)))
def test_whatever_comes_is_read_or_refused_and_nothing_else_happens(data: st.DataObject, name: str) -> None:
    document = bytearray(ODD[name])
    for at in data.draw(st.lists(st.integers(0, len(document) - 1), max_size=6)):
        document[at : at + data.draw(st.integers(0, 9))] = data.draw(
            st.sampled_from([b"", b"<", b"&", b"]]>", b"<!--", b"\0", b"\xff", b"<item>", b"</item>", b'xmlns:a="b"'])
        )
    try:
        podcast, episodes = read(bytes(document), piece=data.draw(st.integers(1, 5000)))
    except FeedUnusable:
        return
    assert podcast.format in ("rss", "atom")
    assert all("\0" not in (episode.title or "") for episode in episodes)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_bytes_that_are_no_feed_are_refused(document: bytes) -> None:
    with pytest.raises(FeedUnusable):
        read(document)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b'<!DOCTYPE rss [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><rss><channel>&c;</channel></rss>', FeedDtdRefused),
        (b'<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss></rss>', FeedDtdRefused),
        (b"<rss>" + b"<a>" * MAX_DEPTH, FeedTooDeep),
        (b"<rss><!--" + b"x" * (MAX_TOKEN_BYTES * 3), FeedTooLarge),
        (b'<rss a="' + b"x" * (MAX_TOKEN_BYTES * 3), FeedTooLarge),
        (b"<html><body>Not found</body></html>", FeedMalformed),
        (b"", FeedMalformed),
        (b"<rss><channel>&undeclared;</channel></rss>", FeedMalformed),
    ],
)
def test_a_hostile_document_is_refused(document: bytes, error: type[FeedUnusable]) -> None:
    with pytest.raises(error):
        read(document)


def test_a_feed_that_breaks_off_leaves_the_episodes_before() -> None:
    reader = FeedReader()
    whole = rss([entry(1), entry(2), entry(3)])
    found = reader.feed(whole[: whole.index(b"guid-3")])
    with pytest.raises(FeedMalformed):
        reader.close()
    assert [one.guid for one in [*found, *reader.rest()]] == ["guid-1", "guid-2"]


def test_a_feed_of_too_many_episodes_leaves_those_that_are_read() -> None:
    reader = FeedReader(max_episodes=3)
    with pytest.raises(FeedTooLarge):
        reader.feed(rss(entry(number) for number in range(9)))
    assert [one.guid for one in reader.rest()] == ["guid-0", "guid-1", "guid-2"]


def test_a_text_without_end_is_cut_and_not_kept() -> None:
    reader = FeedReader()
    reader.feed(b"<rss><channel><title>T</title><item><guid>1</guid><description>")
    for _ in range(200):
        reader.feed(b"word " * 13_000)
    [episode] = reader.feed(b"</description></item>")
    assert episode.description is not None
    assert len(episode.description) <= MAX_TEXT_CHARACTERS
