"""What is known of names beside the model: where they begin and end, what stands around them, names all know.

Pure functions of text and spans, no libraries. What each rule is worth is measured by bench/entities.py.
"""
