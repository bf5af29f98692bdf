"""Transcripts, the versions that people made of them, and the entities named in them."""
