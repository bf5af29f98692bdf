"""Folders and bucket prefixes whose recordings become items: looked at, taken in, moved or marked."""
