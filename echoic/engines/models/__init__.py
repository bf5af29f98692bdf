"""The models, their sources, and checks that the files on this machine are the right ones.

``catalog`` is the one table; an engine asks here for files and never looks for them itself.
"""
