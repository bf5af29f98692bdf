"""A stage table for tests: its stages count their starts in a log file, wait where told to, and fail where told to.

What a run is to do stands in its options: ``{"folder": …, "hold": ["two"], "fail": {"two": ["engine_failed", 1]}}``;
a failure is the code of an error or a name in ``ENDS``. With ``hold_again`` another attempt is held, too. A held stage goes on once a file named ``release`` appears in the folder.
"""

import asyncio
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic import errors
from echoic.db.runs.runs import StageCheckpoint
from echoic.pipeline.stage import Stage, StageContext, StageFunction, StageOutput, StageTable

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
        if kind in ENDS:
            return await ENDS[kind](context)
        raise errors.all_errors()[kind]
    for part in range(len(context.checkpoints), PARTS):
        await context.save_checkpoint({"part": part, "pid": os.getpid()})
        is_first = part == (len(context.checkpoints) if "hold_again" in context.options else 0)
        if is_first and name in context.options.get("hold", []):
            await _hold(folder, context)
    return StageOutput(output={"parts": PARTS, "found": len(context.checkpoints)}, audio_seconds=10.0)


async def _surprise(_: StageContext[Path]) -> StageOutput:
    raise KeyError("nobody expected this")


async def _leave(_: StageContext[Path]) -> StageOutput:
    sys.exit("a library that takes the process for its own")


async def _cancelled_within(_: StageContext[Path]) -> StageOutput:
    inner = asyncio.create_task(asyncio.sleep(60))
    inner.cancel()
    await inner
    raise AssertionError("unreachable")


async def _cancelled_without(_: StageContext[Path]) -> StageOutput:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)
    raise AssertionError("unreachable")


async def _bad_write(_: StageContext[Path]) -> StageOutput:
    async def write(_: AsyncSession) -> None:
        raise ZeroDivisionError("nobody expected this")

    return StageOutput(write=write)


async def _bad_statement(_: StageContext[Path]) -> StageOutput:
    async def write(session: AsyncSession) -> None:
        await session.execute(text("INSERT INTO items (dataset_id, title) VALUES (-1, 'an item of no dataset')"))

    return StageOutput(write=write)


async def _bad_commit(_: StageContext[Path]) -> StageOutput:
    async def write(session: AsyncSession) -> None:
        await session.execute(text("CREATE TEMPORARY TABLE twice (one int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        await session.execute(text("INSERT INTO twice VALUES (1), (1)"))

    return StageOutput(write=write)


async def _bad_clean_up(_: StageContext[Path]) -> StageOutput:
    async def clean_up() -> None:
        raise ZeroDivisionError("nobody expected this")

    return StageOutput(output={"parts": PARTS}, after_commit=clean_up)


async def _unknown_type(context: StageContext[Path]) -> StageOutput:
    async def write(session: AsyncSession) -> None:
        session.add(StageCheckpoint(run_id=context.run_id, stage="x", part=1, payload={"answer": object()}))
        await session.flush()

    return StageOutput(write=write)


async def _not_a_number(_: StageContext[Path]) -> StageOutput:
    return StageOutput(output={"words": [{"score": 0.5}, {"score": math.nan}]})


async def _nul(_: StageContext[Path]) -> StageOutput:
    return StageOutput(output={"text": "before\x00after"})


async def _half_a_pair(_: StageContext[Path]) -> StageOutput:
    return StageOutput(output={"text": "\ud83d"})


async def _endless_audio(_: StageContext[Path]) -> StageOutput:
    return StageOutput(audio_seconds=math.inf)


async def _bad_checkpoint(context: StageContext[Path]) -> StageOutput:
    await context.save_checkpoint({"end": math.inf})
    raise AssertionError("unreachable")


async def _bad_progress(context: StageContext[Path]) -> StageOutput:
    await context.progress(math.nan)
    raise AssertionError("unreachable")


async def _odd_message(_: StageContext[Path]) -> StageOutput:
    raise errors.MediaUnreadable("a\x00b\udc80c" + "d" * 200_000)


ENDS: Mapping[str, StageFunction[Path]] = {
    "surprise": _surprise,
    "leave": _leave,
    "cancelled_within": _cancelled_within,
    "cancelled_without": _cancelled_without,
    "bad_write": _bad_write,
    "bad_statement": _bad_statement,
    "bad_commit": _bad_commit,
    "bad_clean_up": _bad_clean_up,
    "unknown_type": _unknown_type,
    "not_a_number": _not_a_number,
    "nul": _nul,
    "half_a_pair": _half_a_pair,
    "endless_audio": _endless_audio,
    "bad_checkpoint": _bad_checkpoint,
    "bad_progress": _bad_progress,
    "odd_message": _odd_message,
}
"""Ways in which a stage can end that no error of ours names."""


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
