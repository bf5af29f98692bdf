"""Names of elements in feeds, in one spelling: ``title``, ``itunes:duration``, ``podcast:transcript``.

Prefixes are the feed's own to choose, and the addresses of namespaces are spelled in several ways; both are made one here.
A prefix that is used without being declared, which is common, means what it usually means.
"""

from collections.abc import Mapping

_NAMESPACES: Mapping[str, str] = {
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "podcastindex.org/namespace/1.0": "podcast",
    "github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
    "www.w3.org/2005/atom": "atom",
    "purl.org/atom/ns#": "atom",
    "purl.org/rss/1.0/modules/content": "content",
    "purl.org/dc/elements/1.1": "dc",
    "purl.org/dc/terms": "dcterms",
    "search.yahoo.com/mrss": "media",
    "purl.org/rss/1.0": "",
    "my.netscape.com/rdf/simple/0.9": "",
    "backend.userland.com/rss2": "",
    "www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
}
"""Short names by address, in lower case, without scheme and closing slash."""
_USUAL = {short: short for short in set(_NAMESPACES.values())} | {"a10": "atom", "rawvoice": "rawvoice"}
UNKNOWN = "?"
"""The short name of namespaces that nothing is read from."""


class Names:
    """Gives elements their one name; it is told of every element's attributes, which may declare prefixes."""

    def __init__(self) -> None:
        self._short: dict[str, str] = {}
        self._undo: list[tuple[int, dict[str, str]]] = []
        """What was declared before, by the depth at which it was declared otherwise."""

    def enter(self, depth: int, attributes: Mapping[str, str]) -> None:
        """Take note of the prefixes that an element at this depth declares."""
        declared = {
            name[6:]: _NAMESPACES.get(_plain(address), UNKNOWN)
            for name, address in attributes.items()
            if name.startswith("xmlns")
        }
        if declared:
            self._undo.append((depth, self._short))
            self._short = self._short | declared

    def leave(self, depth: int) -> None:
        """Forget what an element at this depth declared."""
        if self._undo and self._undo[-1][0] == depth:
            self._short = self._undo.pop()[1]

    def of(self, name: str) -> str:
        """Return the one name of an element, in lower case."""
        prefix, colon, local = name.rpartition(":")
        short = self._short.get(prefix)
        if short is None:
            short = _USUAL.get(prefix.lower(), UNKNOWN) if colon else ""
        local = local.lower()
        return f"{short}:{local}" if short else local


def _plain(address: str) -> str:
    return address.strip().lower().partition("://")[2].rstrip("/")
