"""Acts of commands on the database itself, whether or not a server runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import migrate
from echoic.db.connect import Database
from echoic.server.database import any_database, open_database, require_installation
from echoic.settings import Settings

ResultT = TypeVar("ResultT")


def in_transaction(settings: Settings, act: Callable[[AsyncSession], Awaitable[ResultT]]) -> ResultT:
    """Do something in one transaction. Raises the errors of the act, and those of a database that cannot be used."""

    async def once(database: Database) -> ResultT:
        async with database.transaction() as session:
            return await act(session)

    return with_database(settings, once)


def with_database(settings: Settings, act: Callable[[Database], Awaitable[ResultT]]) -> ResultT:
    """Do something with the database of this installation, which is started for it where it does not run.

    Raises DataDirUnusable where there is none yet, and the errors of ``in_transaction``.
    """
    require_installation(settings)

    async def opened(url: str) -> ResultT:
        database = open_database(settings, url)
        try:
            return await act(database)
        finally:
            await database.close()

    with any_database(settings) as url:
        migrate.verify(url)
        return asyncio.run(opened(url))
