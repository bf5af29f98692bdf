"""The work that a process does for feeds: asking them, and fetching what they name: recordings, and texts beside them."""

from dataclasses import dataclass
from typing import Self

from echoic.db.connect import Database
from echoic.intake.accept import Acceptor
from echoic.intake.admission import Admissions
from echoic.intake.egress import Egress
from echoic.sources.episodes import Episodes
from echoic.sources.poll import Polls
from echoic.sources.publications import Publications
from echoic.storage.blobs import Blobs


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedWork:
    """All of it, over one database."""

    polls: Polls
    episodes: Episodes
    publications: Publications

    @classmethod
    def of(
        cls, database: Database, blobs: Blobs, *, admissions: Admissions, acceptor: Acceptor, egress: Egress
    ) -> Self:
        """Return the work over these parts."""
        return cls(
            polls=Polls(database, egress),
            episodes=Episodes(database, blobs, admissions=admissions, acceptor=acceptor, egress=egress),
            publications=Publications(database, egress),
        )
