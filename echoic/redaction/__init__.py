"""Redaction: from a text and a dataset's policy to what may be shown of it.

The room is pure. It knows no accounts, no routes and no database: who reads the original is decided by ``access``.
"""
