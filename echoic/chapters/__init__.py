"""Chapters of a recording without a language model: where it turns to something else, a title, and sentences that stand for it."""
