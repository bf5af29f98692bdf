"""Roles of the database: what the program's may do, and whether it may do more than it needs."""

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession

READ_ONLY = ("alembic_version", "queue_schema")
"""Tables that say which schema this is; only who changes the schema writes them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """The role that a connection acts as."""

    name: str
    is_superuser: bool
    """Such a role starts programs on the machine of the server, and reads its files."""


def let_use(connection: Connection, role: str) -> None:
    """Let a role read and write all rows, and nothing beyond; done again after every change of the schema."""
    name = connection.dialect.identifier_preparer.quote(role)
    for right in (
        "USAGE ON SCHEMA public",
        "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public",
        "SELECT, UPDATE, USAGE ON ALL SEQUENCES IN SCHEMA public",
        "EXECUTE ON ALL FUNCTIONS IN SCHEMA public",
    ):
        connection.execute(text(f"GRANT {right} TO {name}"))
    for table in READ_ONLY:
        connection.execute(text(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM {name}"))
    connection.commit()


async def own_role(session: AsyncSession) -> Role:
    """Return the role that this session acts as."""
    row = (await session.execute(text("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user"))).one()
    return Role(name=row.rolname, is_superuser=row.rolsuper)
