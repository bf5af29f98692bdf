"""The open parts of a process that stages use."""

from dataclasses import dataclass

from echoic.db.connect import Database
from echoic.engines.media.parent import SpareChild
from echoic.engines.registry import Engines
from echoic.settings import Settings
from echoic.storage.blobs import Blobs


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Settings, database, storage, engines and a decoder ahead of the process that runs a stage."""

    settings: Settings
    database: Database
    blobs: Blobs
    engines: Engines
    spare_decoder: SpareChild
