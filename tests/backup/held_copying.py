"""The command line, whose copying can be held: at ``objects`` after the first object, at ``rows`` within those of a table.

``HOLD_AT`` names which. The file ``HOLD_FILE`` appears while the copying is held; it is never let go.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from echoic.backup import make, restore
from echoic.backup.place import Place
from echoic.cli import app

HELD_TABLE = "the table segments"


async def hold() -> None:
    await asyncio.to_thread(Path(os.environ["HOLD_FILE"]).touch)
    await asyncio.Event().wait()


def hold_objects(module: Any) -> None:
    copy, first = module.copy, asyncio.Lock()
    copied: list[None] = []

    async def copy_one(*given: Any, **named: Any) -> Any:
        async with first:
            if copied:
                await hold()
            copied.append(None)
            return await copy(*given, **named)

    module.copy = copy_one


def hold_rows() -> None:
    read_part = Place.read_part

    async def read_some(self: Place, *given: Any, named: str) -> AsyncIterator[bytes]:
        async for chunk in read_part(self, *given, named=named):
            yield chunk[: len(chunk) // 2] if named == HELD_TABLE else chunk
            if named == HELD_TABLE:
                await hold()

    Place.read_part = read_some  # type: ignore[method-assign,assignment]


def main() -> None:
    held = os.environ.get("HOLD_AT")
    if held == "objects":
        hold_objects(make)
        hold_objects(restore)
    elif held == "rows":
        hold_rows()
    app()


if __name__ == "__main__":
    main()
