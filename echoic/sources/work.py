"""The work that a process does for feeds: asking them, and fetching what they name."""

from dataclasses import dataclass
from typing import Self

from echoic.db.connect import Database
from echoic.intake.accept import Acceptor
from echoic.intake.admission import Admissions
from echoic.intake.egress import Egress
from echoic.sources.episodes import Episodes
from echoic.sources.poll import Polls
from echoic.storage.blobs import Blobs


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedWork:
    """Both, over one database."""

    polls: Polls
    episodes: Episodes

    @classmethod
    def of(
        cls, database: Database, blobs: Blobs, *, admissions: Admissions, acceptor: Acceptor, egress: Egress
    ) -> Self:
        """Return the work over these parts."""
        return cls(
            polls=Polls(database, egress),
            episodes=Episodes(database, blobs, admissions=admissions, acceptor=acceptor, egress=egress),
        )
