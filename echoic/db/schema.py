"""All tables in one place, for migrations and the drift check: importing this module registers every model."""

from echoic.db import (
    accounts,
    diarizations,
    edits,
    entities,
    idempotency,
    index,
    items,
    job_queue,
    libraries,
    loops,
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
    job_queue,
    minutes,
    transcripts,
    edits,
    diarizations,
    speakers,
    entities,
    index,
    meanings,
    totals,
    loops,
    uploads,
    idempotency,
)
