"""The search index: its tables, what writes them, and the statements that search."""
