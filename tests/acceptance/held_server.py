"""``echoic serve`` that holds the answer to an upload after its commit, once ``HOLD_FOLDER`` has a file ``hold``.

``held`` appears in the folder while an answer is held; it never comes.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from echoic.cli import app
from echoic.intake.accept import Accepted, Acceptor


def main() -> None:
    folder = Path(os.environ["HOLD_FOLDER"])
    accept = Acceptor.accept

    async def accept_and_hold(self: Acceptor, *given: Any, **named: Any) -> Accepted:
        accepted = await accept(self, *given, **named)
        if (folder / "hold").exists():
            (folder / "held").touch()
            await asyncio.Event().wait()
        return accepted

    Acceptor.accept = accept_and_hold  # type: ignore[method-assign]
    app()


if __name__ == "__main__":
    main()
