"""Rules for names: where they begin and end, what stands around them, names known to all, and which mean the same.

Pure functions of text, spans and segments. What each rule is worth is measured by bench/entities.py.
"""
