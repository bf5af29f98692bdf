"""The memory and the time that the reader of feeds takes, and feedparser beside it where that is installed.

    python -m bench.feeds [--episodes 10000] [--feed-mb 20] [--other]

A feed of that many episodes and about that size is made up as it is read, so that nothing but the reader holds memory.
The last line names what was measured: the peak that was added, in KB, and seconds.
"""

import argparse
import io
import resource
import time
from collections.abc import Iterator

from echoic.sources.feed.reader import FeedReader
from echoic.units import MB

HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
    b'xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel><title>Made up</title><language>en</language>'
)
TAIL = b"</channel></rss>"
SENTENCE = "<p>In this part we talk about the weather &amp; the sea, <a href='https://example.org/'>as ever</a>.</p>\n"
ENTRY = (
    "<item><title>Part {number}</title><guid isPermaLink='false'>{number}</guid><description><![CDATA[{notes}]]></description>"
    "<enclosure url='https://example.org/{number}.mp3' length='1' type='audio/mpeg'/><itunes:duration>1:00:00</itunes:duration>"
    "<pubDate>Fri, 02 Jan 2026 08:00:00 GMT</pubDate>"
    "<podcast:transcript url='https://example.org/{number}.vtt' type='text/vtt'/></item>\n"
)


def made_up(episodes: int, feed_mb: int) -> Iterator[bytes]:
    """The bytes of a feed, an episode at a time."""
    sentences = max(feed_mb * MB // episodes - len(ENTRY), 0) // len(SENTENCE)
    yield HEAD
    for number in range(episodes):
        yield ENTRY.format(number=number, notes=SENTENCE * sentences).encode()
    yield TAIL


def peak_kb() -> int:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--feed-mb", type=int, default=20)
    parser.add_argument("--other", action="store_true", help="read it by feedparser, too")
    arguments = parser.parse_args()
    list(FeedReader().feed(HEAD))
    before, started = peak_kb(), time.process_time()
    reader, size = FeedReader(), 0
    for chunk in made_up(arguments.episodes, arguments.feed_mb):
        size += len(chunk)
        reader.feed(chunk)
    reader.close()
    seconds, added = time.process_time() - started, peak_kb() - before
    assert reader.episodes == arguments.episodes
    print(f"{size / MB:.1f} MB, {reader.episodes:,} episodes")
    if arguments.other:
        import feedparser

        document = b"".join(made_up(arguments.episodes, arguments.feed_mb))
        before, started = peak_kb(), time.process_time()
        found = feedparser.parse(io.BytesIO(document))
        print(
            f"feedparser: {len(found.entries):,} episodes, {peak_kb() - before:,} KB, {time.process_time() - started:.1f} s"
        )
    print(f"peak_added_kb={added} processor_seconds={seconds:.1f}")


if __name__ == "__main__":
    main()
