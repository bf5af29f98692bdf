"""Confinement of the processes that open media on this machine: asked once, of one that opens nothing."""

import asyncio
from dataclasses import dataclass

from echoic.engines.media import wire
from echoic.engines.media.parent.child_process import MediaLimits, started


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One of ``wire.LAYERS``."""

    name: str
    holds: bool
    meaning: str


class Confinement:
    """The layers of this machine, found out at the first question."""

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits
        self._held: tuple[str, ...] | None = None
        self._asking = asyncio.Lock()

    async def layers(self) -> list[Layer]:
        """Return all layers there are, outermost first. Raises ``errors.DecoderLost``."""
        async with self._asking:
            if self._held is None:
                async with started(wire.PROBE, 0, "", self._limits) as child:
                    self._held = await child.ready()
            held = self._held
        return [Layer(name=name, holds=name in held, meaning=meaning) for name, meaning in wire.LAYERS.items()]
