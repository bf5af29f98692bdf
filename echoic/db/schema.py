"""All tables in one place, for migrations and the drift check: importing this module registers every model."""

from echoic.db import (
    accounts,
    corrections,
    diarizations,
    entities,
    idempotency,
    index,
    items,
    libraries,
    meanings,
    minutes,
    runs,
    speakers,
    totals,
    transcripts,
    uploads,
)
from echoic.db.base import Base

metadata = Base.metadata

FAMILIES = (
    accounts,
    libraries,
    items,
    runs,
    minutes,
    transcripts,
    corrections,
    diarizations,
    speakers,
    entities,
    index,
    meanings,
    totals,
    uploads,
    idempotency,
)
