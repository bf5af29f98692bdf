"""A process that takes in the next watched file and is held at one point: ``DATABASE_URL POINT FILE``.

At the point it makes the file, and goes on no more.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from echoic.compose import open_components
from echoic.db.sources import watched_files
from echoic.settings import read_settings
from echoic.sources.watched.folder import FolderPlace
from echoic.sources.watched.takes import Takes


async def main(url: str, point: str, held: Path) -> None:
    async def hold(*_: Any, **__: Any) -> bool:
        held.touch()  # noqa: ASYNC240 - nothing else goes on
        await asyncio.Event().wait()
        return True

    move = FolderPlace.move

    async def move_and_hold(self: FolderPlace, path: str, fingerprint: str, *, file_id: int) -> None:
        await move(self, path, fingerprint, file_id=file_id)
        await hold()

    if point == "before_commit":
        watched_files.end_taken = hold
    elif point == "after_commit":
        Takes._finish = hold  # type: ignore[assignment, method-assign]
    else:
        FolderPlace.move = move_and_hold  # type: ignore[method-assign]
    async with open_components(read_settings(), url) as components:
        await components.watch_work.takes.take_next()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
