"""The work that a process does for watched places: looking at them, and taking in what lies there."""

from dataclasses import dataclass
from typing import Self

from echoic.db.connect import Database
from echoic.intake.accept import Acceptor
from echoic.intake.admission import Admissions
from echoic.settings import Settings
from echoic.sources.watched.looks import Looks
from echoic.sources.watched.permits import Permits
from echoic.sources.watched.takes import Takes
from echoic.storage.blobs import Blobs


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchWork:
    """Both, over one database, and what the operator permits."""

    permits: Permits
    looks: Looks
    takes: Takes

    @classmethod
    def of(
        cls, settings: Settings, database: Database, blobs: Blobs, *, admissions: Admissions, acceptor: Acceptor
    ) -> Self:
        """Return the work over these parts. Raises SettingInvalid for what the operator has set."""
        permits = Permits(settings)
        return cls(
            permits=permits,
            looks=Looks(database, permits),
            takes=Takes(database, blobs, admissions=admissions, acceptor=acceptor, permits=permits),
        )
