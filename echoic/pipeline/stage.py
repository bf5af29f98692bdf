"""The contract of pipeline and stages: a stage, what it is handed, what it hands back, and the table of stages."""

import math
import uuid
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.errors import ValueNotStorable
from echoic.notices import Notice
from echoic.settings import Queue

ToolsT = TypeVar("ToolsT")

WITHOUT_STAGES = "without_stages"
"""The option of a run that names the stages it goes without."""


class RunInterrupted(BaseException):
    """Work on a stage stops before its end; derives from BaseException so that no handler takes it for a failure."""


class ClaimLost(RunInterrupted):
    """The claim no longer holds: another worker has the run, or the run has moved on. The output is discarded."""


class CancelRequested(RunInterrupted):
    """Somebody asked for the run to be cancelled."""


class StopRequested(RunInterrupted):
    """The worker is about to stop; another will go on from the last checkpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageOutput:
    """The output of a stage; everything in it is stored in one transaction with the stage's completion."""

    output: dict[str, Any] = field(default_factory=dict)
    """Small JSON object kept as the stage's result."""
    write: Callable[[AsyncSession], Awaitable[Sequence[Notice] | None]] | None = None
    """Writes the rows that the stage made; may return notices that only the writing brings to light."""
    notices: Sequence[Notice] = ()
    """What the stage left out, guessed or cut."""
    audio_seconds: float | None = None
    """Seconds of audio worked on, for the rate in the metrics."""
    after_commit: Callable[[], Awaitable[None]] | None = None
    """Clean-up that may be lost without harm, such as deleting bytes whose row is gone."""

    def __post_init__(self) -> None:
        if self.audio_seconds is not None and not math.isfinite(self.audio_seconds):
            raise ValueNotStorable(f"The seconds of audio worked on are {self.audio_seconds}, not a finite number.")


@dataclass(frozen=True, kw_only=True, slots=True)
class StageContext(Generic[ToolsT]):
    """The input of a stage."""

    run_id: int
    item_id: int
    claim: uuid.UUID
    options: dict[str, Any]
    """As the stage table resolved them when the run started."""
    tools: ToolsT
    progress: Callable[[float], Coroutine[Any, Any, None]]
    """Tell how many seconds of audio are done. Raises RunInterrupted when the work is to stop here, so a stage calls it
    wherever stopping is harmless."""
    checkpoints: list[dict[str, Any]]
    """Parts that an earlier attempt finished, in order."""
    save_checkpoint: Callable[[dict[str, Any]], Awaitable[None]]
    """Keep a finished part; raises RunInterrupted when the work is to stop here."""


StageFunction = Callable[[StageContext[ToolsT]], Awaitable[StageOutput]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage(Generic[ToolsT]):
    """One row of the stage table."""

    name: str
    queue: Queue
    version: int
    run: StageFunction[ToolsT] | None
    """None: a place kept in the order; the pipeline passes over it."""
    optional: bool = False
    """Whether the run goes on when the stage fails for good; the failure is named on the item."""
    leaves_bytes_per_second: int = 0
    """Most bytes that it leaves on the disk until the run ends, for each second of audio. One stage of a table may; it
    waits while the setting ``decoded_max_gb`` allows no more of them."""


Resolve = Callable[[AsyncSession, int, Mapping[str, Any], ToolsT], Awaitable[dict[str, Any]]]
"""Makes the options that all stages of a run work by of the item's id and of what was asked of the run."""


async def _as_asked(_: AsyncSession, __: int, asked: Mapping[str, Any], ___: object) -> dict[str, Any]:
    return dict(asked)


class StageTable(Generic[ToolsT]):
    """The stages in their order, and how the options of a run are resolved when it starts."""

    def __init__(self, *stages: Stage[ToolsT], resolve: Resolve[ToolsT] = _as_asked) -> None:
        self.resolve = resolve
        self._stages = {stage.name: stage for stage in stages}
        self._names = [stage.name for stage in stages if stage.run is not None]
        if len(self._stages) != len(stages):
            raise ValueError("Two stages have the same name")
        if sum(stage.leaves_bytes_per_second > 0 for stage in stages) > 1:
            raise ValueError("Two stages leave bytes on the disk")

    def __getitem__(self, name: str) -> Stage[ToolsT]:
        return self._stages[name]

    def __iter__(self) -> Iterator[Stage[ToolsT]]:
        return (self._stages[name] for name in self._names)

    @property
    def first(self) -> Stage[ToolsT]:
        """The stage at which every run begins."""
        return self._stages[self._names[0]]

    @property
    def capped(self) -> Stage[ToolsT] | None:
        """The stage that leaves bytes on the disk; None where none does."""
        return next((stage for stage in self if stage.leaves_bytes_per_second), None)

    def after(self, name: str, *, without: Collection[str] = ()) -> Stage[ToolsT] | None:
        """Return the stage that follows, those ``without`` which the run goes being passed over; None after the last."""
        following = [each for each in self._names[self._names.index(name) + 1 :] if each not in without]
        return self._stages[following[0]] if following else None
