"""Intake: bytes come in, as an upload or from a URL, and are checked on the way; it knows no HTTP framework."""
