"""What the demo, benchmarks and tests need to try a whole installation; the server itself uses nothing of it."""
