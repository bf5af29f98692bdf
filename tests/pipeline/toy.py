"""A stage table for tests: its stages count their starts in a log file, wait where told to, and fail where told to.

What a run is to do stands in its options: ``{"folder": …, "hold": ["two"], "fail": {"two": ["engine_failed", 1]}}``.
A held stage goes on once a file named ``release`` appears in the folder.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from echoic import errors
from echoic.pipeline.stage import Stage, StageContext, StageOutput, StageTable

LOOK_AGAIN_SECONDS = 0.02
PARTS = 3


def starts(folder: Path) -> list[str]:
    """The stages started so far, in order, one entry an execution."""
    log = folder / "starts"
    return log.read_text(encoding="utf-8").split() if log.exists() else []


def stage_pid(folder: Path) -> int:
    """Process that runs the held stage."""
    return int((folder / "pid").read_text(encoding="utf-8"))


async def _run(name: str, context: StageContext[Path]) -> StageOutput:
    folder = Path(context.options["folder"])
    with (folder / "starts").open("a", encoding="utf-8") as log:
        log.write(f"{name}\n")
    kind, times = context.options.get("fail", {}).get(name, (None, 0))
    if starts(folder).count(name) <= times:
        if kind == "crash":
            os._exit(3)
        if kind == "surprise":
            raise KeyError("nobody expected this")
        raise errors.all_errors()[kind]
    for part in range(len(context.checkpoints), PARTS):
        await context.save_checkpoint({"part": part, "pid": os.getpid()})
        if part == 0 and name in context.options.get("hold", []):
            await _hold(folder, context)
    return StageOutput(output={"parts": PARTS, "found": len(context.checkpoints)}, audio_seconds=10.0)


async def _hold(folder: Path, context: StageContext[Path]) -> None:
    # Whole or not at all: the test reads it as soon as it is there.
    written = folder / f"pid.{os.getpid()}"
    written.write_text(str(os.getpid()), encoding="utf-8")
    written.replace(folder / "pid")
    while not (folder / "release").exists():
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        if "deaf" not in context.options:
            await context.progress(1.5)


async def one(context: StageContext[Path]) -> StageOutput:
    return await _run("one", context)


async def two(context: StageContext[Path]) -> StageOutput:
    return await _run("two", context)


async def extra(context: StageContext[Path]) -> StageOutput:
    return await _run("extra", context)


async def three(context: StageContext[Path]) -> StageOutput:
    return await _run("three", context)


TABLE: StageTable[Any] = StageTable(
    Stage(name="one", queue="cpu", version=1, run=one),
    Stage(name="two", queue="gpu", version=1, run=two),
    Stage(name="later", queue="gpu", version=1, run=None),
    Stage(name="extra", queue="cpu", version=1, run=extra, optional=True),
    Stage(name="three", queue="cpu", version=1, run=three),
)
