"""Questions about recordings: the moments that answer them, and what a language model writes of these, checked against the text."""
