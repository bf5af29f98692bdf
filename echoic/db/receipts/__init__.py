"""Receipts of what was deleted: their signatures, their rows, and what is counted for them."""
