"""Shared moments: links by which people without an account read and hear a recording, a span of one, or moments found."""
