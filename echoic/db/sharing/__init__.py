"""Shared moments: links under which people without an account read and hear parts of recordings."""
