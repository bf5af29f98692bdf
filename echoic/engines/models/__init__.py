"""Which models there are, where each comes from, and whether what is there is what it should be.

``catalog`` is the one table; an engine asks here for files and never looks for them itself.
"""
