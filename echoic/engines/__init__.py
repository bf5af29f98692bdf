"""Speech and language engines behind one protocol per task.

The only room that imports machine-learning libraries, and only inside load functions: a process pays for what it uses.
It knows no database, storage, HTTP or stage.
"""

from echoic.engines.lease import EngineLease
from echoic.engines.protocols import (
    Engine,
    EntityTagger,
    SpeechDetector,
    TextEncoder,
    TextKind,
    Tier,
    TranscribeOptions,
    Transcriber,
)
from echoic.engines.registry import Engines

__all__ = [
    "Engine",
    "EngineLease",
    "Engines",
    "EntityTagger",
    "SpeechDetector",
    "TextEncoder",
    "TextKind",
    "Tier",
    "TranscribeOptions",
    "Transcriber",
]
