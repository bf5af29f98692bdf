"""Storage: bytes at rest, in a local folder or an object store, under keys that say nothing of their content."""
