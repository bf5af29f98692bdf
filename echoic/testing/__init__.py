"""A whole installation to try things on, for the demo, benchmarks and tests; the server uses nothing of it."""
