"""Echoic: push a recording in, get a searchable transcript out."""

__version__ = "0.1.0"
