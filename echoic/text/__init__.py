"""Rules for words and running text. Pure."""
