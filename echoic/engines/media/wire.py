"""Messages between the decoding process and its parent: length-prefixed binary messages over two pipes.

The parent begins with an order, a length as ``ANSWER`` and the fields of ``Order`` as a JSON object; a process that was
started ahead waits for it.

The child sends a kind of one byte, a length and a payload. ``READ`` asks for bytes of the one source and is answered by
a length and the bytes, fewer only at the source's end; the other kinds have no answer.
"""

import struct
from dataclasses import dataclass

from echoic.units import SAMPLE_RATE

PROBE, DECODE = "probe", "decode"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """The one file that a decoding process is to open, and its limits."""

    mode: str
    """``PROBE``, ``DECODE``, or the number of a voice to decode alone."""
    size_bytes: int
    extension: str
    """That of the file's name."""
    max_seconds: float
    memory_bytes: int
    """On top of what is used when it confines itself; the same for ``cpu_seconds``."""
    cpu_seconds: int


READY = b"!"
"""Payload: the layers of its confinement that hold, names of ``LAYERS`` in a JSON list. The first message, sent when the
child has given up its rights and before it asks for the first byte."""
OPENED = b"O"
"""Payload: what the file is, container and codec, in UTF-8 for people. Sent once, before anything is decoded."""
READ = b"R"
"""Payload: offset and length, as ``RANGE``."""
AUDIO = b"A"
"""Payload: little-endian signed 16-bit mono samples; every message but the last of a file holds ``WINDOW_BYTES``."""
DONE = b"D"
"""Payload: the fields of ``records.MediaInfo`` as a JSON object. The last message."""
FAILED = b"F"
"""Payload: one of the reasons below, and after ``DETAIL_MARK`` what was found, in UTF-8. The last message."""

DETAIL_MARK = b":"
UNKNOWN_CONTAINER = b"unknown_container"
"""Found: a key of ``signatures.FOREIGN``, or nothing."""
NO_AUDIO_STREAM = b"no_audio_stream"
"""Found: the codec of the picture, or nothing."""
CODEC_REFUSED = b"codec_refused"
"""Found: the codec's name."""
RATE_REFUSED = b"rate_refused"
"""Found: samples per second."""
ENCRYPTED = b"encrypted"
"""Found: how, or nothing."""
INDEX_MISSING = b"index_missing"
HEAD_ALONE = b"head_alone"
"""Found: the kind of recording of which the beginning is there."""
NO_SAMPLES = b"no_samples"
NOTHING_DECODED = b"nothing_decoded"
TOO_LONG = b"too_long"
OUT_OF_MEMORY = b"out_of_memory"

LIMITS, ACCOUNT, NETWORK, FILES = "limits", "account", "network", "files"
LANDLOCK, SYSTEM_CALLS = "landlock", "system_calls"
LAYERS = {
    LIMITS: "memory, processor time, the size of files and the number of open files are limited",
    ACCOUNT: "it runs as an account that owns nothing (where Echoic runs as root)",
    NETWORK: "it has a network without interfaces and a user namespace of its own",
    FILES: "it has a file system without files",
    LANDLOCK: "Landlock refuses files, TCP, and signals to others",
    SYSTEM_CALLS: "seccomp refuses every system call but those that decoding makes",
}
"""What confines the decoding process, and how; which hold depends on the machine."""

HEADER = struct.Struct("<cI")
RANGE = struct.Struct("<QI")
ANSWER = struct.Struct("<I")

BYTES_PER_SAMPLE = 2
WINDOW_SECONDS = 10
WINDOW_BYTES = WINDOW_SECONDS * SAMPLE_RATE * BYTES_PER_SAMPLE
READ_BYTES = 262_144
"""Most bytes of the source asked for at once."""

MAX_FOUND_BYTES = 100
MAX_PAYLOAD_BYTES = {
    READY: 256,
    OPENED: MAX_FOUND_BYTES,
    READ: RANGE.size,
    AUDIO: WINDOW_BYTES,
    DONE: 65_536,
    FAILED: 256,
}
