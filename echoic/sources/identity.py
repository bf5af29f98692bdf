"""The identity of an episode within its feed. Pure.

It is the GUID, never the address of the recording: prefixes that count downloads and parameters change from week to week.
Where there is no GUID, the address without those stands for it; where there is no recording either, title and date do.
"""

import hashlib
import re
from urllib.parse import urlsplit

from echoic.sources.feed.records import Episode

_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,24}")
_FILE_ENDS = (".mp3", ".m4a", ".mp4", ".ogg", ".oga", ".opus", ".wav", ".flac", ".aac", ".m4b", ".webm")


def identity_of(episode: Episode) -> str:
    """Return the identity of an episode, as a digest."""
    if episode.guid:
        told = f"guid {episode.guid}"
    elif episode.enclosure is not None:
        told = f"file {without_tracking(episode.enclosure.url)}"
    else:
        told = f"text {episode.title or ''} {episode.published_at or ''} {episode.link or ''}"
    return hashlib.sha256(told.encode()).hexdigest()


def without_tracking(url: str) -> str:
    """Return an address without scheme, without the prefixes of trackers, and without what its query adds to a file's name.

    A prefix is another host before the host: ``dts.podtrac.com/redirect.mp3/chtbl.com/track/1/host.example/a.mp3``.
    """
    parts = urlsplit(url)
    segments = [parts.netloc.lower(), *parts.path.split("/")[1:]]
    for at in range(len(segments) - 2, 0, -1):
        if _HOST.fullmatch(segments[at].lower()) and not segments[at].lower().endswith(_FILE_ENDS):
            segments = [segments[at].lower(), *segments[at + 1 :]]
            break
    path = "/".join(segments)
    return path if path.lower().endswith(_FILE_ENDS) or not parts.query else f"{path}?{parts.query}"
