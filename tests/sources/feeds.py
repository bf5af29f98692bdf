"""Feeds for the tests: usual ones and odd ones."""

from collections.abc import Iterable

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"
DATES = [
    f"{day}, {number:02} Jan 2026 08:00:00 GMT" for number, day in enumerate(("Thu", "Fri", "Sat", "Sun"), start=1)
]


def entry(
    number: int,
    *,
    guid: str | None = "",
    url: str = "",
    title: str = "",
    length: str = "12345",
    media: str = "audio/mpeg",
    date: str = "",
    more: str = "",
) -> str:
    """One ``item``; ``guid=None`` leaves that out."""
    name = "" if guid is None else f'<guid isPermaLink="false">{guid or f"guid-{number}"}</guid>'
    address = (url or f"https://good.example/{number}.mp3").replace("&", "&amp;")
    return (
        f"<item><title>{title or f'Episode {number}'}</title>{name}<description>About {number}</description>"
        f'<enclosure url="{address}" length="{length}" type="{media}"/>'
        f"<pubDate>{date or DATES[number % len(DATES)]}</pubDate>{more}</item>"
    )


def rss(entries: Iterable[str], *, title: str = "Talks", head: str = "", language: str = "en-us") -> bytes:
    """A whole feed."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:itunes="{ITUNES}" xmlns:podcast="{PODCAST}">'
        f"<channel><title>{title}</title><description>All talks</description><link>https://good.example/</link>"
        f"<language>{language}</language>{head}{''.join(entries)}</channel></rss>"
    ).encode()


ODD: dict[str, bytes] = {
    "usual": rss([entry(1), entry(2), entry(3)]),
    "atom": b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title type="text">A &lt; B</title>
        <link href="https://good.example/"/><entry><id>tag:a,1</id><title type="html">One &amp;amp; two</title>
        <link rel="enclosure" href="https://good.example/1.mp3" type="audio/mpeg" length="5"/>
        <link href="https://good.example/1"/><published>2026-01-02T03:04:05+02:00</published>
        <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Said <b>aloud</b></div></content></entry></feed>""",
    "rdf": b"""<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Old</title>
        <link>https://good.example/</link></channel><item><title>One</title><link>https://good.example/1</link>
        <dc:date>2026-01-02T03:04:05Z</dc:date></item></rdf:RDF>""",
    "latin-1": '<?xml version="1.0" encoding="ISO-8859-1"?><rss><channel><title>Gespräche</title>'.encode("latin-1")
    + entry(1, title="Öl").encode("latin-1")
    + b"</channel></rss>",
    "windows-1252 called latin-1": '<?xml version="1.0" encoding="ISO-8859-1"?><rss><channel><title>“Talks”</title>'.encode(
        "cp1252"
    )
    + entry(1).encode()
    + b"</channel></rss>",
    "utf-16": '<?xml version="1.0" encoding="utf-16"?><rss><channel><title>Ж</title>'.encode("utf-16")
    + (entry(1) + "</channel></rss>").encode("utf-16-le"),
    "shift-jis": '<?xml version="1.0" encoding="Shift_JIS"?><rss><channel><title>音声</title>'.encode("shift-jis")
    + (entry(1, title="第一回") + "</channel></rss>").encode("shift-jis"),
    "bom and blank lines": b"\xef\xbb\xbf\r\n  " + rss([entry(1)]),
    "entities of html": rss([entry(1, title="A&nbsp;B &mdash; C &amp; D")]),
    "markup in titles": rss([entry(1, title="<![CDATA[<b>One</b> &amp; two]]>")]),
    "undeclared prefixes": b"<rss><channel><title>T</title><item><title>One</title><guid>1</guid>"
    b"<itunes:duration>62:03</itunes:duration></item></channel></rss>",
    "prefix of its own choice": b'<rss xmlns:apple="http://www.iTunes.com/DTDs/PodCast-1.0.dtd"><channel><title>T</title>'
    b"<item><title>One</title><guid>1</guid><apple:duration>3723</apple:duration></item></channel></rss>",
    "forbidden characters": rss([entry(1, title="Be\x08ll\x0b")]),
    "several recordings": rss(
        [entry(1, media="video/mp4", more='<enclosure url="https://good.example/b.mp3" type="audio/mpeg"/>')]
    ),
    "dates": rss(
        [
            *(entry(1, date="2 Jan 2026 08:00 +0200"), entry(2, date="Fri, 02 Jan 2026 08:00:00 PST")),
            *(entry(3, date="2026-01-02"), entry(4, date="the day before yesterday")),
        ]
    ),
    "no guid": rss([entry(1, guid=None), entry(2, guid=None)]),
    "no episodes": rss([]),
}
"""Feeds that are read whole, by what is odd about them."""
