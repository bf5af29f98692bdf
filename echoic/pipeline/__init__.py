"""Durable runs: start, cancel, retry, claim, heartbeat, recovery. Knows nothing about speech; stages are handed in."""
