"""Units that several rooms count in. It imports nothing, so that the process that opens media may load it."""

MB = 1_048_576
"""Bytes in an MB, as settings, plans, datasets and messages count it: the generous reading."""

SAMPLE_RATE = 16_000
"""Samples per second of all decoded audio."""
