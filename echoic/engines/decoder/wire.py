"""What the decoding process and its parent say to each other: length-prefixed binary messages over two pipes.

The child sends a kind of one byte, a length and a payload. ``READ`` asks for bytes of the one source and is answered by
a length and the bytes, fewer only at the source's end; the other kinds have no answer.
"""

import struct

READY = b"!"
"""Sent once and bare, when the child has given up its rights and before it asks for the first byte."""
READ = b"R"
"""Payload: offset and length, as ``RANGE``."""
AUDIO = b"A"
"""Payload: little-endian signed 16-bit mono samples; every message but the last of a file holds ``WINDOW_BYTES``."""
DONE = b"D"
"""Payload: the fields of ``records.MediaInfo`` as a JSON object. The last message."""
FAILED = b"F"
"""Payload: one of the reasons below. The last message."""

UNKNOWN_CONTAINER = b"unknown_container"
NO_AUDIO_STREAM = b"no_audio_stream"
CODEC_REFUSED = b"codec_refused"
NOTHING_DECODED = b"nothing_decoded"
TOO_LONG = b"too_long"
OUT_OF_MEMORY = b"out_of_memory"

HEADER = struct.Struct("<cI")
RANGE = struct.Struct("<QI")
ANSWER = struct.Struct("<I")

SAMPLE_RATE = 16_000
BYTES_PER_SAMPLE = 2
WINDOW_SECONDS = 10
WINDOW_BYTES = WINDOW_SECONDS * SAMPLE_RATE * BYTES_PER_SAMPLE
BLOCK_BYTES = 262_144
"""Most bytes of the source asked for at once."""

MAX_PAYLOAD_BYTES = {READ: RANGE.size, AUDIO: WINDOW_BYTES, DONE: 65_536, FAILED: 64}
