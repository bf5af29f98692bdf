"""Rules for names: where they begin and end, what stands around them, names known to all, and which mean the same.

Pure functions of text, spans and segments. bench/entities.py measures what each rule is worth.
"""
