"""Feeds that fill datasets, and the entries found in them."""
