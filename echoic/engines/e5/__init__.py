"""multilingual-e5-small, which embeds texts of a hundred languages in one space, so that a query finds other languages' text."""
