"""The versions of the database's programs and of its schema."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class DatabaseVersions:
    """The versions of the software that a database runs on."""

    postgresql: str
    pgvector: str | None
    """None: the extension is not there, and search by meaning compares without it."""
    schema: str
    """The newest migration."""


async def look_up(session: AsyncSession) -> DatabaseVersions:
    """Ask the database for its versions."""
    row = await session.execute(
        text("""
            SELECT current_setting('server_version'),
                   (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
                   (SELECT max(version_num) FROM alembic_version)
        """)
    )
    return DatabaseVersions(*row.one())
