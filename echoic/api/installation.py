"""The installation itself, for administrators: versions, models, storage, and what goes on in the background."""

import platform
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from echoic import __version__, access
from echoic.api.auth import Manager
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.parameters import DEFAULT_LIMIT, Limit, Offset
from echoic.api.problems import Problem
from echoic.db import loops, versions
from echoic.db.items import storage_use
from echoic.db.items.storage_use import StorageOwner
from echoic.db.search import outdated_embeddings

router = APIRouter(tags=["administration"], responses={"default": {"model": Problem}})


class InstalledEngine(BaseModel):
    """An engine that the settings of the API's machine name; workers elsewhere may have others."""

    task: str = Field(examples=["transcriber"], description="The task.")
    name: str = Field(description="The engine's name.", examples=["faster-whisper"])
    model: str = Field(description="The name of its model.")
    version: str = Field(description="Of the library, or of the weights where they have one.", examples=["1.2.0"])
    chosen_because: str | None = Field(description="Why Echoic chose it for this machine; null: the settings name it.")


class LoopBody(BaseModel):
    """A loop in the background, over all processes."""

    name: str = Field(description="The loop's name.", examples=["sweep"])
    failures: int = Field(description="Rounds that failed since the database was made.")
    keeps_failing: bool = Field(description="Whether it has failed several times in a row.")
    error: str | None = Field(description="That of the last round; null where it went well.")
    failing_since: UtcTime | None = Field(description="The time of the first of these failures, in UTC.")
    noted_at: UtcTime = Field(
        description="The time when a process last told the state of the loop: when it began, or after a round that failed or "
        "was the first to go well again. Rounds that go well like the one before are not told, so it may be long ago."
    )


class EmbeddingsBody(BaseModel):
    """The embeddings for search by meaning. Those of another model are made again in the background, the newest first."""

    segments: int = Field(description="Segments with an embedding, in all transcripts.")
    by_present_model: int = Field(description="Those whose embedding the present text encoder made.")


class InstallationBody(BaseModel):
    """The programs and models, and the loops in the background."""

    echoic: str = Field(description="Version of the process that answers.")
    python: str = Field(description="The version of Python.")
    postgresql: str = Field(description="The version of PostgreSQL.")
    pgvector: str | None = Field(description="null: the database has no pgvector.")
    schema_version: str = Field(description="The newest migration of the database.")
    engines: list[InstalledEngine] = Field(description="The engine of each task.")
    embeddings: EmbeddingsBody
    loops: list[LoopBody] = Field(description="The loops in the background.")


class StorageShareBody(BaseModel):
    """The storage that one account or one library takes."""

    account_id: int | None = Field(description="Asked by account: which; null: accounts that were removed.")
    library: str | None = Field(description="Asked by library: its slug.")
    name: str | None = Field(description="The name of the account or library.")
    items: int = Field(description="The number of recordings.")
    original_bytes: int
    decoded_bytes: int = Field(description="Bytes of decoded audio of runs under way.")


class StorageBody(BaseModel):
    """The contents of the storage, and one page of their owners, the one with the most first."""

    items: int = Field(description="The number of recordings.")
    original_bytes: int = Field(description="Recordings as they were uploaded.")
    decoded_bytes: int = Field(description="Decoded audio of recordings under way; it goes by itself.")
    upload_bytes: int = Field(description="Of resumable uploads that are not whole yet.")
    shares: list[StorageShareBody] = Field(description="The owners of this page.")
    total: int
    limit: int
    offset: int


@router.get("/api/installation", operation_id="getInstallation")
async def get(caller: Manager, components: ComponentsDep) -> InstallationBody:
    """Versions of Echoic, the database and the models, and how the loops in the background are doing; for administrators."""
    access.require_admin(caller)
    async with components.database.transaction() as session:
        database = await versions.look_up(session)
        known = await loops.list_loops(session)
        embedded = await outdated_embeddings.count_embedded(session, model=components.engines.text_encoder.id.label)
    engines = [
        InstalledEngine(
            task=task,
            name=engine.name,
            model=engine.model,
            version=engine.version,
            chosen_because=components.settings.transcriber_chosen_because if task == "transcriber" else None,
        )
        for task, engine in components.engines.in_use().items()
    ]
    return InstallationBody(
        echoic=__version__,
        python=platform.python_version(),
        postgresql=database.postgresql,
        pgvector=database.pgvector,
        schema_version=database.schema,
        engines=engines,
        embeddings=EmbeddingsBody(segments=embedded.segments, by_present_model=embedded.by_model),
        loops=[LoopBody.model_validate(loop, from_attributes=True) for loop in known],
    )


@router.get("/api/storage", operation_id="getStorageUse")
async def storage(
    *,
    caller: Manager,
    components: ComponentsDep,
    by: Annotated[StorageOwner, Query(description="The kind of owner whose shares are listed.")] = "account",
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> StorageBody:
    """The storage taken by recordings, decoded audio and uploads, in all and by account or library; for administrators."""
    access.require_admin(caller)
    async with components.database.transaction() as session:
        use = await storage_use.read_use(session, by=by, limit=limit, offset=offset)
    return StorageBody(
        items=use.items,
        original_bytes=use.original_bytes,
        decoded_bytes=use.decoded_bytes,
        upload_bytes=use.upload_bytes,
        shares=[StorageShareBody.model_validate(share, from_attributes=True) for share in use.shares],
        total=use.total,
        limit=limit,
        offset=offset,
    )
